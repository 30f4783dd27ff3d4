import type { Bindings } from "./env.ts";
import { type Isolate, isolateOf } from "./isolate.ts";
import type { KeepAlive } from "./single-flight.ts";

/** One request on its way through the edge. */
export interface Visit {
  readonly request: Request;
  readonly isolate: Isolate;
  readonly requestId: string;
  /** Scheme and host as the client wrote them. */
  readonly origin: string;
  readonly path: string;
  /** With its question mark; empty when there is none. */
  readonly query: string;
  /** Of the request, names in lower case: read once, since each look at `Headers` costs. */
  readonly headers: readonly (readonly [string, string])[];
  /** One of them; undefined when it is not there. @param name - In lower case. */
  header(name: string): string | undefined;
  /** Of the client, as the platform saw it. */
  readonly ip: string;
  /** Unix ms of the arrival. */
  readonly now: number;
  /** Lets work go on after the answer. */
  readonly keepAlive: KeepAlive;
}

/** workerd on its own, without Cloudflare in front of it, does not say who is calling. */
const UNKNOWN_IP = "unknown";

/** @throws Error when the settings of the deployment are bad. */
export function openVisit(
  request: Request,
  bindings: Bindings,
  id: string,
  keepAlive: KeepAlive,
): Visit {
  // Cut out of the text: parsing costs more than everything else here, and the platform has
  // normalised it already.
  const { url } = request;
  const pathAt = url.indexOf("/", url.indexOf("://") + 3);
  const queryAt = url.indexOf("?", pathAt);
  const headers = [...request.headers];
  const header = (name: string): string | undefined =>
    headers.find(([other]) => other === name)?.[1];
  return {
    request,
    isolate: isolateOf(bindings),
    requestId: id,
    origin: url.slice(0, pathAt),
    path: queryAt < 0 ? url.slice(pathAt) : url.slice(pathAt, queryAt),
    query: queryAt < 0 ? "" : url.slice(queryAt),
    headers,
    header,
    ip: header("cf-connecting-ip") ?? UNKNOWN_IP,
    now: Date.now(),
    keepAlive,
  };
}
