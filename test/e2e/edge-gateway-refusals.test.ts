/** The table of edge-gateway.test.ts, for the core: nobody can tell who has turned him away. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { MISSTEPS, take } from "../support/gateway-refusals.ts";
import { openGatewaySocket } from "../support/gateway-socket.ts";

const parts = new AsyncDisposableStack();
let edge: RunningEdge;
let home: CoreHome;
let core: CoreProcess;

beforeAll(async () => {
  const pairing = randomToken();
  const bindings = { PAIRING_SECRET: pairing };
  edge = parts.use(await startEdge({ bindings }));
  home = parts.use(await createHome(edge, pairing));
  core = await startCore(home, edge);
  parts.defer(() => core.kill());
});
afterAll(() => parts.disposeAsync());

test.each(MISSTEPS)("the core refuses $name just so", async (misstep) => {
  using client = await openGatewaySocket(core.url);
  expect(await take(client, misstep, home.token)).toEqual(misstep.refused);
});

test("a client that says nothing is not waited for by the core either", async () => {
  using client = await openGatewaySocket(core.url);
  expect(await client.ended).toEqual({ code: 1000, reason: "no connect request" });
});
