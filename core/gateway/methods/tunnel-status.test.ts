import { expect, test } from "vitest";
import { relayState } from "../../../test/support/relay-state.ts";
import type { RelayState, TunnelState } from "../../tunnel/handlers.ts";
import { tunnelStatus } from "./tunnel-status.ts";

const STATE: TunnelState = { connected: true, since: 5, lastError: undefined, warnings: [] };
const RELAY = relayState();

function status(relays: readonly RelayState[], state = STATE) {
  return tunnelStatus({
    tunnel: { state, relays, key: { kid: "k", publicKey: "p" } },
    reports: new Map(),
    mode: "leader",
    lease: { store: "s", epoch: 3 },
    waitsFor: null,
    now: () => 10,
  });
}

test("what is not known is null, so that JSON says so", () => {
  const { relays, lastError } = status([{ ...RELAY, rttMs: undefined }]);
  expect([lastError, relays[0]]).toMatchObject([
    null,
    { name: "weur:1", lastError: null, rttMs: null, report: null },
  ]);
});

test.each<[string, Partial<RelayState>, RegExp[]]>([
  ["near and on time", {}, []],
  ["just near enough", { rttMs: 40 }, []],
  ["far away", { rttMs: 41 }, [/weur:1 is 41 ms away/]],
  ["far away, but given up", { rttMs: 400, draining: true }, []],
  ["of another time", { skewMs: 90_000 }, [/clock is 90 s behind the edge's/]],
  ["of an earlier time", { skewMs: -90_000 }, [/clock is 90 s ahead of the edge's/]],
])("a relay that is %s is warned of as it deserves", (_name, change, expected) => {
  const { warnings } = status([{ ...RELAY, ...change }]);
  expect(warnings).toEqual(expected.map((text) => expect.stringMatching(text)));
});

test("a clock that is wrong is wrong once, and the tunnel's own warnings come first", () => {
  const relays = [RELAY, { ...RELAY, name: "enam:1" }].map((one) => ({ ...one, skewMs: 60_000 }));
  const { warnings } = status(relays, { ...STATE, warnings: ["first"] });
  expect(warnings).toEqual(["first", expect.stringContaining("60 s behind")]);
});
