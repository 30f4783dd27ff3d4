import { expect, test } from "vitest";
import { decide, EDGE_GRACE_MS, REFUSED_RETRY_MS, webhookUrl } from "./mode.ts";
import type { Decision, Situation } from "./mode.ts";

const NOW = 1_790_000_000_000;
const URL_A = "https://a.example/hooks/telegram";
const calm: Situation = {
  current: { mode: "none" },
  url: undefined,
  goneSince: undefined,
  refused: undefined,
  now: NOW,
};
const webhook = { mode: "webhook", url: URL_A } as const;
const polling = { mode: "polling" } as const;
const recently = { url: URL_A, at: NOW - 1 };

test.each<[string, Partial<Situation>, Decision]>([
  ["a start without an edge", {}, { do: "poll" }],
  ["a start with an edge", { url: URL_A }, { do: "set_webhook", url: URL_A }],
  [
    "an edge that comes while polling",
    { current: polling, url: URL_A },
    { do: "set_webhook", url: URL_A },
  ],
  [
    "an edge that is registered",
    { current: webhook, url: URL_A },
    { do: "stay", until: undefined },
  ],
  [
    "an edge that moved",
    { current: webhook, url: "https://b/" },
    { do: "set_webhook", url: "https://b/" },
  ],
  [
    "an edge where an earlier run registered one",
    { current: { mode: "webhook", url: undefined }, url: URL_A },
    { do: "set_webhook", url: URL_A },
  ],
  [
    "an edge just gone",
    { current: webhook, goneSince: NOW - 1 },
    { do: "stay", until: NOW - 1 + EDGE_GRACE_MS },
  ],
  [
    "an edge gone for a minute",
    { current: webhook, goneSince: NOW - EDGE_GRACE_MS },
    { do: "poll" },
  ],
  ["no edge while polling", { current: polling }, { do: "stay", until: undefined }],
  ["an address just refused", { url: URL_A, refused: recently }, { do: "poll" }],
  [
    "the same while polling",
    { current: polling, url: URL_A, refused: recently },
    { do: "stay", until: NOW - 1 + REFUSED_RETRY_MS },
  ],
  [
    "an address refused long ago",
    { current: polling, url: URL_A, refused: { url: URL_A, at: NOW - REFUSED_RETRY_MS } },
    { do: "set_webhook", url: URL_A },
  ],
  [
    "another address than the refused one",
    { current: polling, url: "https://b/", refused: recently },
    { do: "set_webhook", url: "https://b/" },
  ],
])("%s", (_name, situation, decision) => {
  expect(decide({ ...calm, ...situation })).toEqual(decision);
});

const OFFICIAL = "https://api.telegram.org";
const LOCAL = "http://127.0.0.1:8081";

test.each([
  ["https://x.workers.dev/hooks/", OFFICIAL, "https://x.workers.dev/hooks/telegram"],
  ["https://x.example:8443/hooks/", OFFICIAL, "https://x.example:8443/hooks/telegram"],
  ["https://x.example:8787/hooks/", OFFICIAL, undefined],
  ["http://x.example/hooks/", OFFICIAL, undefined],
  ["https://127.0.0.1/hooks/", OFFICIAL, undefined],
  ["https://localhost/hooks/", OFFICIAL, undefined],
  ["http://127.0.0.1:8787/hooks/", OFFICIAL, undefined],
  ["http://127.0.0.1:8787/hooks/", LOCAL, "http://127.0.0.1:8787/hooks/telegram"],
])("an edge at %s is for the server %s", (base, apiRoot, url) => {
  expect(webhookUrl(new URL(base), apiRoot)).toBe(url);
});

test("without an edge there is no webhook", () => {
  expect(webhookUrl(undefined, LOCAL)).toBeUndefined();
});
