import { expect, test } from "vitest";
import { type AuthFacts, isWeak, judgeAuth, judgePort } from "./door.ts";

const DOOR: AuthFacts = { mode: "token", bind: "loopback", source: "file", isWeak: false };

test.each([
  ["has its own token", {}, "ok"],
  ["has one that can be guessed", { isWeak: true }, "warning"],
  ["is open to this machine", { mode: "none" as const }, "warning"],
  ["a proxy opens", { mode: "trusted-proxy" as const }, "ok"],
  [
    "each program of this machine opens",
    { mode: "trusted-proxy" as const, believesLoopback: true },
    "warning",
  ],
  ["is open to the network", { mode: "none" as const, bind: "lan" }, "failed"],
])("a door that %s", (_name, facts, status) => {
  expect(judgeAuth({ ...DOOR, ...facts }).status).toBe(status);
});

test.each([
  ["short", true],
  ["aaaaaaaaaaaaaaaaaaaaaaaa", true],
  ["change-me-please-now", true],
  ["your-secure-token-here", true],
  ["0123456789abcdef", false],
  ["mH-GsKwugUmRgfYbIeLSED9PHt60QuB_meASyY0BwN4", false],
  ["correct horse battery staple", false],
])("whether %s can be guessed: %s", (text, weak) => {
  expect(isWeak(text)).toBe(weak);
});

test.each([
  [true, [7], "ok", "the gateway, pid 7"],
  [false, [], "ok", "nobody"],
  [false, [7, 8], "failed", "pid 7, 8"],
])("who has the port is told (%j, %j)", (isGateway, holders, status, words) => {
  const verdict = judgePort(18_789, isGateway, holders);
  expect(verdict).toMatchObject({ status, detail: expect.stringContaining(words) });
});
