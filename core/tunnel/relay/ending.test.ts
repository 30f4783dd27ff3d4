import { expect, test } from "vitest";
import { consequenceOf, type Ending } from "./ending.ts";

const REFUSED = {
  reason: "refused",
  status: 403,
  code: "",
  detail: "",
  location: "",
  proxy: undefined,
  serverTime: undefined,
} as const;

test.each<[string, Ending, string, number | string]>([
  [
    "a relay that restarts",
    { reason: "closed", code: 1012, detail: "relay was updated" },
    "connection closed (1012 relay was updated)",
    "backoff",
  ],
  [
    "a close without a word",
    { reason: "closed", code: 1006, detail: "" },
    "connection closed (1006)",
    "backoff",
  ],
  [
    "another core that leads",
    { reason: "closed", code: 4409, detail: "stale epoch 3" },
    "the relay refused us: stale epoch 3",
    30_000,
  ],
  [
    "another core, as older edges put it",
    { reason: "closed", code: 4001, detail: "another core took over" },
    "the relay refused us: another core took over",
    30_000,
  ],
  [
    "our own next connection",
    { reason: "closed", code: 4001, detail: "reconnected" },
    "connection closed (4001 reconnected)",
    "backoff",
  ],
  [
    "a revoked key",
    { reason: "closed", code: 4403, detail: "revoked" },
    "the edge no longer accepts our key",
    "backoff",
  ],
  ["a sleep", { reason: "slept" }, "this machine was asleep", "none"],
  ["a change of keys", { reason: "moved" }, "connecting anew", "none"],
  [
    "a proxy that wants a password",
    { ...REFUSED, status: 407, proxy: "proxy.example:3128" },
    "the proxy proxy.example:3128 wants a user and a password (407)",
    "backoff",
  ],
  [
    "a proxy that does not like the edge",
    { ...REFUSED, proxy: "proxy.example:3128" },
    "the proxy proxy.example:3128 does not let us through (403)",
    "backoff",
  ],
  [
    "a reason with control characters",
    { reason: "closed", code: 1011, detail: "a\u001b[31m\nb" },
    "connection closed (1011 a [31m b)",
    "backoff",
  ],
])("%s", (_name, ending, message, wait) => {
  expect(consequenceOf(ending)).toMatchObject({ message, wait });
});

test("a peer's words are cut", () => {
  const detail = "x".repeat(10_000);
  const { message } = consequenceOf({ reason: "unreachable", detail, proxy: undefined });
  expect(message.length).toBeLessThan(400);
});
