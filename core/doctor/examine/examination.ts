import type { WebSocket } from "ws";
import type { Secret } from "../../../shared/secret.ts";
import type { LoadRequest } from "../../config/resolve.ts";

/** A method of a gateway, by its WebSocket. */
export interface RpcTarget {
  readonly url: string;
  readonly token: Secret | undefined;
  readonly timeoutMs: number;
  /** Of the connection: an agent, further headers, a client certificate. */
  readonly socket?: ConstructorParameters<typeof WebSocket>[2];
}

/** @returns undefined when nothing listens there. @throws GatewayError with the reason. */
export type CallGateway = (
  target: RpcTarget,
  method: string,
  params: object,
) => Promise<{ readonly payload: unknown } | undefined>;

/** What is to be examined, and by which means. */
export interface Examination {
  readonly surroundings: LoadRequest;
  /** A gateway elsewhere: nothing of this machine says anything about it. */
  readonly url: string | undefined;
  /** What named it. The flag: this machine itself is not looked at. Default: the flag. */
  readonly urlFrom?: "--url" | "OPENCLAW_GATEWAY_URL" | "gateway.remote" | undefined;
  readonly port: number | undefined;
  readonly token: Secret | undefined;
  readonly edge: URL | undefined;
  /** For each step. */
  readonly timeoutMs: number;
  /** Also what costs money. */
  readonly deep: boolean;
  /** Of this program. */
  readonly version: string;
  readonly call: CallGateway;
  /** Processes that listen on a port, as far as can be seen. */
  readonly portHolders: (port: number) => Promise<readonly number[]>;
  /** Unix time, milliseconds. */
  readonly now: () => number;
}

/** Why nothing of this machine says anything about the gateway; undefined: it is of this machine. */
export function whyElsewhere({ url, urlFrom = "--url" }: Examination): string | undefined {
  return url === undefined ? undefined : `${urlFrom} names a gateway elsewhere`;
}
