import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { type UserHeaders, userOf } from "./proxy-user.ts";

const NAMES: UserHeaders = {
  userHeader: "x-user",
  requiredHeaders: ["x-proof"],
  allowLoopback: false,
};
const ADA = { "x-user": ["ada"], "x-proof": ["1"] };
const own = Object.values(networkInterfaces()).flatMap((one) => one ?? []);

test.each<[string, NodeJS.Dict<string[]>, string | undefined]>([
  ["one user", ADA, "ada"],
  ["nobody", { "x-proof": ["1"] }, undefined],
  ["a blank name", { ...ADA, "x-user": ["  "] }, undefined],
  ["two users", { ...ADA, "x-user": ["eve", "ada"] }, undefined],
  ["a name without end", { ...ADA, "x-user": ["a".repeat(257)] }, undefined],
  ["a user without what the proxy always sends", { "x-user": ["ada"] }, undefined],
])("a proxy that names %s is believed or passed over", (_name, headers, user) => {
  const passed = { peer: "192.0.2.1", isAttributed: true, headers };
  expect(userOf(passed, NAMES)).toEqual({ ok: true, value: user });
});

test.each(["127.0.0.1", "127.8.8.8", "::1", ...own.map(({ address }) => address)])(
  "no program of this machine names a user, whichever of its addresses it uses: %s",
  (peer) => {
    const passed = { peer, isAttributed: true, headers: ADA };
    expect(userOf(passed, NAMES)).toMatchObject({
      ok: false,
      error: {
        type: "trusted_proxy_loopback_source",
        message: expect.stringContaining("allowLoopback"),
      },
    });
    expect(userOf(passed, { ...NAMES, allowLoopback: true })).toEqual({ ok: true, value: "ada" });
    expect(userOf({ ...passed, headers: {} }, NAMES)).toEqual({ ok: true, value: undefined });
    expect(userOf(passed, undefined)).toEqual({ ok: true, value: undefined });
  },
);

test("who does not say for whom the request was passed on names nobody", () => {
  const passed = { peer: "192.0.2.1", isAttributed: false, headers: ADA };
  expect(userOf(passed, NAMES)).toMatchObject({
    ok: false,
    error: { type: "proxy_attribution_required" },
  });
});
