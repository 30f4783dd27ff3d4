import { findCaller } from "../middleware/authenticate.ts";
import { VERSION } from "../version.ts";
import type { Visit } from "../visit.ts";

/**
 * GET /health: that the edge is live, and whether a core is connected to it.
 *
 * 200 also while the core is away: whoever watches this restarts the edge, which would not help.
 * Anyone may ask; who has a token gets an answer that is not up to ten seconds old.
 */
export async function health(visit: Visit): Promise<Response> {
  const { isolate, keepAlive, now } = visit;
  const caller = await findCaller(visit, visit.request.headers.get("Authorization") ?? "");
  const state = await isolate.state.get(caller !== undefined, keepAlive, now);
  if (state?.bundleVersion !== undefined) {
    isolate.verifiers.observe(state.bundleVersion, keepAlive, now);
  }
  const body = {
    ok: true,
    status: "live",
    edge: { version: VERSION },
    core: {
      connected: state?.connected ?? false,
      lastSeenAt: state?.lastSeenAt ?? null,
      // How the core is doing is for its owner.
      ...(caller === undefined || state === undefined
        ? {}
        : { version: state.coreVersion, spooled: state.spooled }),
    },
  };
  return Response.json(body, {
    headers: { "Cache-Control": "no-store", "X-Request-Id": visit.requestId },
  });
}
