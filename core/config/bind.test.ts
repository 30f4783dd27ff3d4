import { expect, test } from "vitest";
import { areLoopback, hostsOf, type Machine } from "./bind.ts";

const MACHINE: Machine = { addresses: ["127.0.0.1", "192.168.1.5"], isContainer: false };
const TAILNET = [...MACHINE.addresses, "fd7a:115c:a1e0::1", "100.101.102.103"];

test.each<[Parameters<typeof hostsOf>[0], Partial<Machine>, string[]]>([
  ["loopback", {}, ["127.0.0.1", "::1"]],
  ["lan", {}, ["0.0.0.0"]],
  ["auto", {}, ["127.0.0.1", "::1"]],
  ["auto", { isContainer: true }, ["0.0.0.0"]],
  ["tailnet", { addresses: TAILNET }, ["100.101.102.103", "fd7a:115c:a1e0::1", "127.0.0.1"]],
  ["custom", {}, ["192.168.1.5", "127.0.0.1"]],
])("%s on %j listens on %j", (mode, machine, hosts) => {
  expect(hostsOf(mode, "192.168.1.5", { ...MACHINE, ...machine })).toEqual({
    ok: true,
    value: hosts,
  });
});

test("what cannot be says what to do", () => {
  expect(hostsOf("tailnet", undefined, MACHINE)).toEqual({
    ok: false,
    error: expect.stringContaining("tailscale up"),
  });
  expect(hostsOf("custom", undefined, MACHINE)).toEqual({
    ok: false,
    error: expect.stringContaining("customBindHost"),
  });
});

test("an address that others can reach is no loopback, whatever stands beside it", () => {
  expect(areLoopback(["127.0.0.1", "::1"])).toBe(true);
  expect(areLoopback(["100.101.102.103", "127.0.0.1"])).toBe(false);
  expect(areLoopback(["0.0.0.0"])).toBe(false);
});
