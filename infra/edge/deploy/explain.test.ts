import { expect, test } from "vitest";
import { explainFailure, reasonOf } from "./explain.ts";

test.each([
  [
    "no login",
    "In a non-interactive environment, it's necessary to set a CLOUDFLARE_API_TOKEN",
    "set CLOUDFLARE_API_TOKEN",
  ],
  ["a wrong token", "Authentication error [code: 10000]", "refused CLOUDFLARE_API_TOKEN"],
  [
    "several accounts",
    "More than one account available but unable to select one",
    "CLOUDFLARE_ACCOUNT_ID",
  ],
  ["a migration", "Cannot apply new-class migration to class 'Relay' [code: 10074]", "--name"],
  ["no network", "getaddrinfo ENOTFOUND api.example", "cannot be reached"],
  [
    "a domain elsewhere",
    "Could not find zone for `edge.example.com`",
    "zone must be in this account",
  ],
])("%s is explained, with the words it was said in", (_name, reason, expected) => {
  const line = explainFailure("the deploy", reason);
  expect(line).toContain(expected);
  expect(line).toContain(reason);
  expect(line).not.toContain("\n");
});

test("what nobody has heard of is passed on, cut to a line", () => {
  const line = explainFailure("the deploy", `all\nkinds of ${"x".repeat(1_000)}`);
  expect(line).toMatch(/^the deploy failed: all kinds of x+$/);
  expect(line.length).toBeLessThan(400);
});

test("the API's own words tell more than wrangler's", () => {
  const tail = "Uploading\n  No such class. [code: 10061]\n";
  expect(reasonOf({ failure: "A request failed.", tail }).trim()).toBe(
    "No such class. [code: 10061]",
  );
  expect(reasonOf({ failure: "A request failed.", tail: "Uploading" })).toBe("A request failed.");
  expect(reasonOf({ failure: undefined, tail: "it crashed" })).toBe("it crashed");
});
