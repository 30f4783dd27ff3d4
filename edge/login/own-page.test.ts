import { expect, test } from "vitest";
import { isFromOwnPage } from "./own-page.ts";

const ORIGIN = "https://edge.example:8443";

test.each([
  ["our own origin", { origin: ORIGIN }, true],
  ["our own origin, whatever else", { origin: ORIGIN, "sec-fetch-site": "same-site" }, true],
  ["no origin but the browser's word", { "sec-fetch-site": "same-origin" }, true],
  ["a form that names no referrer", { origin: "null", "sec-fetch-site": "same-origin" }, true],
  ["nothing at all", {}, false],
  ["a sandboxed frame", { origin: "null", "sec-fetch-site": "cross-site" }, false],
  ["an origin of nobody", { origin: "null" }, false],
  ["another site", { origin: "https://evil.example" }, false],
  [
    "another site that claims us",
    { origin: "https://evil.example", "sec-fetch-site": "same-origin" },
    false,
  ],
  ["a sibling", { origin: "https://app.edge.example:8443", "sec-fetch-site": "same-site" }, false],
  ["a sibling without an origin", { "sec-fetch-site": "same-site" }, false],
  ["the address bar", { "sec-fetch-site": "none" }, false],
  ["another port", { origin: "https://edge.example" }, false],
  ["no encryption", { origin: "http://edge.example:8443" }, false],
  ["our origin as the start of another", { origin: `${ORIGIN}.evil.example` }, false],
  ["our origin in capitals", { origin: ORIGIN.toUpperCase() }, false],
  ["two origins", { origin: `${ORIGIN}, https://evil.example` }, false],
  ["an empty origin", { origin: "" }, false],
])("%s: from our own page is %s", (_name, headers: Readonly<Record<string, string>>, own) => {
  expect(isFromOwnPage({ origin: ORIGIN, header: (name) => headers[name] })).toBe(own);
});
