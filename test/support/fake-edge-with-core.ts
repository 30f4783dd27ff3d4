import { onTestFinished } from "vitest";
import { Secret } from "../../shared/secret.ts";
import { type FakeEdge, startFakeEdge } from "./fake-edge.ts";
import { connectCore, type TunnelCore, type TunnelCoreOptions } from "./tunnel-core.ts";

/** The real core's end of the tunnel on an edge of the test's own, until the test ends. */
export async function fakeEdgeWithCore(
  options: Partial<TunnelCoreOptions> = {},
): Promise<{ readonly edge: FakeEdge; readonly core: TunnelCore }> {
  const edge = await startFakeEdge();
  onTestFinished(() => edge[Symbol.asyncDispose]());
  const core = await connectCore({
    edge: edge.url,
    pairing: new Secret("unused"),
    // Without a pairing secret the first WELCOME introduces the edge.
    settings: { pairing: undefined },
    ...options,
  });
  onTestFinished(() => core[Symbol.asyncDispose]());
  return { edge, core };
}
