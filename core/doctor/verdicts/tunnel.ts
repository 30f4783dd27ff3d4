/** What a signed connect request tells: of the way, of our key, and of the edge's. Pure. */
import { LIMITS } from "../../../shared/limits.ts";
import { consequenceOf, type Ending } from "../../tunnel/relay/ending.ts";
import type { Welcome } from "../../tunnel/relay/welcome.ts";
import { failed, ok, type Verdict, warning } from "./finding.ts";

export type Dialled =
  | {
      readonly result: "welcomed";
      readonly welcome: Welcome;
      /** From us to the relay and back. */
      readonly rttMs: number | undefined;
      /** Its answer to `GET /state`; undefined without one. */
      readonly state: unknown;
    }
  | { readonly result: "ended"; readonly ending: Ending };

/** What the same address answers to a request that asks for no upgrade. */
export interface PlainAnswer {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

/** @param plain - Undefined: it gave none. */
export function judgeUpgrade(
  host: string,
  dialled: Dialled,
  plain: PlainAnswer | undefined,
): Verdict {
  if (dialled.result === "welcomed") return ok("a WebSocket reaches the relay");
  const { ending } = dialled;
  const { message } = consequenceOf(ending);
  if (ending.reason === "wrong_edge" || ending.reason === "closed")
    return ok("a WebSocket gets through");
  if (ending.reason !== "refused") {
    return failed(message, `let WebSockets through to ${host}, and connections that stay open`);
  }
  const { status, code, detail } = ending;
  if (plain !== undefined && isSame(ending, plain)) {
    return failed(
      `asked for an upgrade, ${host} answers as if it had not been (${status})`,
      "something on the way strips Upgrade: nginx needs proxy_http_version 1.1 and the Upgrade and Connection headers set, a corporate proxy must use CONNECT",
    );
  }
  if (code === "version_unsupported") {
    return failed(
      `${detail} (${status})`,
      "update the edge (sallyport edge deploy) or this machine",
    );
  }
  if (code === "") return failed(message, "see what answers at this address: the edge does not");
  return ok(`an upgrade reaches the edge, which answers it (${status} ${code})`);
}

function isSame({ status, code, detail }: PlainAnswer, plain: PlainAnswer): boolean {
  return status === plain.status && code === plain.code && detail === plain.detail;
}

/** @param skewMs - By which our clock had to be corrected for this. */
export function judgeKey(kid: string, dialled: Dialled, skewMs: number): Verdict {
  if (dialled.result === "welcomed") {
    if (Math.abs(skewMs) <= LIMITS.connectSkewMs) return ok(`the edge knows our key ${kid}`);
    return warning(
      `the edge knows our key ${kid}, once the clock is corrected by ${Math.round(skewMs / 1_000)} s`,
      "set the clock: timedatectl set-ntp true",
    );
  }
  const { ending } = dialled;
  if (ending.reason === "wrong_edge") return ok(`the edge lets our key ${kid} in`);
  const { message } = consequenceOf(ending);
  if (ending.reason === "refused" && ending.code === "unauthenticated") {
    return failed(
      `the edge does not know our key ${kid}`,
      "set sallyport.edge.pairing to the edge's pairing secret and restart the gateway, or add the key from a core it knows (sallyport edge keys add)",
    );
  }
  return failed(message, "the edge's own log says why");
}

/** @param pinned - The key this machine knows the edge by; undefined when they have not met. */
export function judgePin(host: string, pinned: string | undefined, dialled: Dialled): Verdict {
  if (dialled.result === "ended") {
    return failed(
      `whoever answers at ${host} cannot prove that it is the edge`,
      "something on the way answers for it: compare with another network",
    );
  }
  const { edgeKey } = dialled.welcome;
  if (pinned === undefined) {
    return warning(
      `${host} has the key ${short(edgeKey)}, and this machine has not met it`,
      "it is remembered from the gateway's first connection on",
    );
  }
  if (pinned === edgeKey) return ok(`${host} has the key we know, ${short(pinned)}`);
  return failed(
    `${host} has the key ${short(edgeKey)}, and the one we know is ${short(pinned)}`,
    `something on the way answers for it, or the edge was made anew: then take "${host}" out of "pins" in tunnel.json`,
  );
}

function short(key: string): string {
  return `${key.slice(0, 12)}…`;
}
