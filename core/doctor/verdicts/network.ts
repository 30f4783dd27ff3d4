/** What the network says between here and the edge. Pure. */
import { failed, ok, type Verdict, warning } from "./finding.ts";

/** A resolver this slow makes every reconnect slow. */
const SLOW_LOOKUP_MS = 1_000;
/** Behind this, a handshake of three round trips takes half a second. */
const SLOW_CONNECT_MS = 400;

/** What a proxy said to CONNECT. */
export type ProxyAnswer =
  | { readonly result: "open" }
  | { readonly result: "refused"; readonly status: number }
  | { readonly result: "unreachable"; readonly reason: string };

/** @param proxy - Host and port; its URL may hold a password. */
export function judgeConnect(proxy: string, target: string, answer: ProxyAnswer): Verdict {
  if (answer.result === "open") return ok(`${proxy} lets CONNECT ${target} through`);
  if (answer.result === "unreachable") {
    return failed(
      `the proxy ${proxy} cannot be reached: ${answer.reason}`,
      "correct HTTPS_PROXY (or sallyport.edge.proxy), or take the edge out of it with NO_PROXY",
    );
  }
  if (answer.status === 407) {
    return failed(
      `the proxy ${proxy} wants a user and a password (407), or others than it was given`,
      "put them into the variable: HTTPS_PROXY=http://user:password@host:port",
    );
  }
  return failed(
    `the proxy ${proxy} answers CONNECT ${target} with ${answer.status}`,
    `have it let ${target} through: a WebSocket needs CONNECT`,
  );
}

export type LookupAnswer =
  | { readonly result: "found"; readonly addresses: readonly string[] }
  | { readonly result: "failed"; readonly reason: string };

export function judgeLookup(host: string, answer: LookupAnswer, ms: number): Verdict {
  if (answer.result === "failed" || answer.addresses.length === 0) {
    const reason = answer.result === "failed" ? answer.reason : "no address";
    return failed(
      `${host} is not found: ${reason}`,
      reason === "ENOTFOUND"
        ? "check the name in sallyport.edge.url, and that this machine has a name server"
        : "the name server of this machine does not answer: check /etc/resolv.conf and the network",
    );
  }
  const { addresses } = answer;
  const shown = `${host} is ${addresses.join(", ")}`;
  if (addresses.every((address) => address === "0.0.0.0" || address === "::")) {
    return failed(shown, "something blocks this name (a filter, /etc/hosts): let it through");
  }
  if (ms > SLOW_LOOKUP_MS) return warning(`${shown}, slowly`, "take a nearer name server");
  return ok(shown);
}

/** How one address of the edge took a connection. */
export interface AddressAnswer {
  readonly address: string;
  /** Undefined when it did not; then `reason` is set. */
  readonly ms: number | undefined;
  readonly reason: string;
}

export function judgeAddresses(port: number, answers: readonly AddressAnswer[]): Verdict {
  const shown = answers
    .map(({ address, ms, reason }) => `${address} ${ms === undefined ? reason : took(ms)}`)
    .join(", ");
  const detail = `port ${port}: ${shown}`;
  const times = answers.flatMap(({ ms }) => ms ?? []);
  if (times.length === 0) {
    return failed(
      detail,
      answers.some(({ reason }) => reason === "ECONNREFUSED")
        ? "nothing listens there: check the port, and that the edge runs"
        : `a firewall or the network is in the way: let this machine reach port ${port}, or set HTTPS_PROXY`,
    );
  }
  if (times.length < answers.length) {
    return warning(detail, "connections try the dead address first at times: mend or remove it");
  }
  if (Math.min(...times) > SLOW_CONNECT_MS) {
    return warning(detail, "the way there is long or lossy: ask whoever runs the network");
  }
  return ok(detail);
}

function took(ms: number): string {
  return `in ${Math.round(ms)} ms`;
}
