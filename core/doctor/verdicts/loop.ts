/** Whether a request to the public address comes back to this very core, and how fast. Pure. */
import { type HttpOutcome, problemOf } from "./edge-answer.ts";
import { failed, ok, type Verdict, warning } from "./finding.ts";
import type { TunnelStatus } from "./relays.ts";

/** A person notices from here on. */
const SLOW_MS = 1_000;

/** What a gateway said of itself through the edge. */
export type Reflection =
  | { readonly result: "answered"; readonly status: TunnelStatus }
  | { readonly result: "failed"; readonly reason: string };

/** The state it writes to, at this time, tells a core from all others. */
export function judgeReflection(local: TunnelStatus, reflection: Reflection): Verdict {
  if (reflection.result === "failed") {
    return failed(
      `no RPC through the public address: ${reflection.reason}`,
      "see identity.key, relay.connected and relay.leader",
    );
  }
  const { lease, kid, mode } = reflection.status;
  const isSame = lease.store === local.lease.store && lease.epoch === local.lease.epoch;
  if (isSame) return ok(`this core itself answers (epoch ${lease.epoch}, ${mode})`);
  const other = `another core answers (key ${kid}, epoch ${lease.epoch})`;
  return lease.store === local.lease.store
    ? failed(other, "two gateways share this state: stop the one that should not be")
    : failed(
        other,
        "it has the same token and a state of its own: stop one of them, or make one stand by",
      );
}

/** A request with the operator's token, through edge, relay and tunnel, and back. */
export function judgeHops(outcome: HttpOutcome, ms: number): Verdict {
  if (outcome.result === "failed") {
    return failed(`no answer: ${outcome.reason}`, "see http.edge and relay.connected");
  }
  const { answer } = outcome;
  const { status, headers } = answer;
  if (status === 200) {
    const hops = hopsOf(headers["server-timing"] ?? "");
    const relay = headers["x-gw-relay"];
    const by = relay === undefined ? "" : `, by relay ${relay} instead of the first`;
    const detail = `${Math.round(ms)} ms there and back${hops}${by}`;
    if (ms < SLOW_MS) return ok(detail);
    return warning(detail, "see tcp.connect and relay.distance for where the time goes");
  }
  const problem = problemOf(answer);
  const said = `${status}${problem === undefined ? "" : ` ${problem.code} from the ${problem.hop ?? "edge"}`}`;
  return failed(`GET /v1/models answered ${said}`, fixOf(status, problem?.code));
}

function fixOf(status: number, code: string | undefined): string {
  switch (code) {
    case "loop":
      return "the edge's requests come back to it: set sallyport.edge.url to the edge, and upstreams to what is behind it";
    case "unauthenticated":
      return "the edge knows tokens from the core that leads: is that another one? See relay.leader";
    case "core_offline":
    case "not_leader":
      return "see relay.connected and relay.leader";
    case undefined:
      return status === 404
        ? "what answers there is no gateway of ours"
        : "something in front of the edge has answered";
    default:
      return "the log of that hop says why";
  }
}

/** `edge;dur=0, tunnel;dur=3` → `: edge 0, tunnel 3 ms`. Source: https://www.w3.org/TR/server-timing/ */
export function hopsOf(header: string): string {
  const hops = header.split(",").flatMap((entry) => {
    const [, name, dur] = /^\s*([\w-]{1,32})\s*;.*?\bdur=([0-9.]{1,12})/.exec(entry) ?? [];
    return name === undefined || dur === undefined ? [] : [`${name} ${dur}`];
  });
  return hops.length === 0 ? "" : `: ${hops.join(", ")} ms`;
}
