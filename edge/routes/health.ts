import { GatewayError } from "../../shared/errors.ts";
import { findCaller, noteUnknown } from "../middleware/bearer.ts";
import { lockedForMs } from "../middleware/rate-limit.ts";
import type { Member } from "../relays/member.ts";
import type { State } from "../state-cache.ts";
import type { Caller } from "../verifiers.ts";
import { VERSION } from "../version.ts";
import type { Visit } from "../visit.ts";

interface Asked {
  readonly relay: Member;
  readonly state: State | undefined;
}

/**
 * GET /health: that the edge is live, and whether a core is connected to it.
 *
 * 200 also while the core is away: whoever watches this restarts the edge, which would not help.
 * Anyone may ask; who has a token gets an answer that is not up to ten seconds old, and one for
 * each relay.
 */
export async function health(visit: Visit): Promise<Response> {
  const caller = await callerOf(visit);
  const asked = await (caller === undefined ? askUntilConnected(visit) : askAll(visit));
  const { state } = asked.find((one) => one.state?.connected === true) ?? asked[0] ?? {};
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
    ...(caller === undefined ? {} : { relays: asked.map((one) => described(visit, one)) }),
  };
  return Response.json(body, {
    headers: { "Cache-Control": "no-store", "X-Request-Id": visit.requestId },
  });
}

/** Anyone may ask, and so nobody is refused: but whether a token is good cannot be tried out here either. */
async function callerOf(visit: Visit): Promise<Caller | undefined> {
  if (lockedForMs(visit) > 0) return undefined;
  const found = await findCaller(visit, visit.header("authorization") ?? "");
  if (found.ok) return found.value;
  if (found.error === undefined || !visit.isolate.verifiers.published) return undefined;
  try {
    await noteUnknown(visit, found.error);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
  }
  return undefined;
}

/** For anyone: no relay is woken that need not be. */
async function askUntilConnected(visit: Visit): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  for (const relay of visit.isolate.relays.members) {
    const one = await ask(visit, relay, false);
    asked.push(one);
    if (one.state?.connected === true) break;
  }
  return asked;
}

function askAll(visit: Visit): Promise<readonly Asked[]> {
  const { members, draining } = visit.isolate.relays;
  return Promise.all([...members, ...draining].map((relay) => ask(visit, relay, true)));
}

async function ask(visit: Visit, relay: Member, fresh: boolean): Promise<Asked> {
  const { isolate, keepAlive, now } = visit;
  const state = await relay.state.get(fresh, keepAlive, now);
  if (state?.bundleVersion !== undefined) {
    isolate.verifiers.observe(relay.name, state.bundleVersion, keepAlive, now);
  }
  return { relay, state };
}

function described({ isolate }: Visit, { relay, state }: Asked): Readonly<Record<string, unknown>> {
  return {
    name: relay.name,
    role: isolate.relays.roleOf(relay),
    reachable: state !== undefined,
    connected: state?.connected ?? false,
    lastSeenAt: state?.lastSeenAt ?? null,
    spooled: state?.spooled ?? null,
    colo: state?.colo ?? null,
  };
}
