import { expect, onTestFinished, test } from "vitest";
import { utf8 } from "../../../shared/bytes.ts";
import { Secret } from "../../../shared/secret.ts";
import { startFakeEdge } from "../../../test/support/fake-edge.ts";
import { connectCore } from "../../../test/support/tunnel-core.ts";
import { commandLineContext } from "../../methods/command-line.ts";
import { RelayReports } from "./relay-reports.ts";
import { tunnelMethods } from "./tunnel-methods.ts";
import { until } from "../../../test/support/until.ts";

function report(sockets: number): string {
  return JSON.stringify({ cores: [], sockets, spooled: 0, awakeMs: 1, wakes: {} });
}

/** The methods of a core at a relay that answers with ever more sockets, and has told of none. */
async function world() {
  const edge = await startFakeEdge();
  onTestFinished(() => edge[Symbol.asyncDispose]());
  let sockets = 0;
  edge.onAsked = ({ path }) => {
    if (path !== "/state") return { status: 204 };
    sockets += 1;
    return { status: 200, body: report(sockets) };
  };
  const core = await connectCore({
    edge: edge.url,
    pairing: new Secret("unused"),
    settings: { pairing: undefined },
  });
  onTestFinished(() => core[Symbol.asyncDispose]());
  const { session } = await edge.link(1);
  session.tell(utf8(report(0)));
  session.flush();
  await until(() => core.tunnel.relays[0]?.stats !== undefined);
  const methods = new Map(
    tunnelMethods({
      tunnel: () => core.tunnel,
      reports: new RelayReports(() => core.tunnel),
      mode: "leader",
      lease: { store: "s", epoch: 1 },
      now: Date.now,
    }),
  );
  return {
    edge,
    status: (params: object) =>
      methods.get("tunnel.status")?.call(params, commandLineContext(AbortSignal.abort())),
  };
}

test("the status holds what the relays say now, not what they said once", async () => {
  const { status } = await world();
  expect(await status({})).toMatchObject({ relays: [{ report: { sockets: 1 } }] });
  expect(await status({})).toMatchObject({ relays: [{ report: { sockets: 2 } }] });
});

test("without asking, the status holds what the relays said last, and wakes none", async () => {
  const { edge, status } = await world();
  expect(await status({ ask: false })).toMatchObject({ relays: [{ report: { sockets: 0 } }] });
  expect(edge.asked.some(({ path }) => path === "/state")).toBe(false);
});
