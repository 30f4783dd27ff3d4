/** How a connection ended, and what follows from that. Pure. */
import { CloseCode } from "../../../shared/close-code.ts";
import type { ReconnectReason } from "../metrics.ts";

/** How an attempt or a connection ended. */
export type Ending =
  /** Somebody answered with a status instead of an upgrade. */
  | {
      readonly reason: "refused";
      readonly status: number;
      /** The `code` of the edge's problem document; empty for an answer that is none. */
      readonly code: string;
      readonly detail: string;
      /** Where a redirect leads; empty for none. */
      readonly location: string;
      /** Host of the proxy that refused; undefined when it was the other side. */
      readonly proxy: string | undefined;
      /** Unix ms by the edge's clock. */
      readonly serverTime: number | undefined;
    }
  | { readonly reason: "unreachable"; readonly detail: string; readonly proxy: string | undefined }
  /** Somebody else answers under this address. */
  | { readonly reason: "wrong_edge" }
  /** Open, but nothing comes. */
  | { readonly reason: "silent"; readonly detail: string }
  /** This machine slept in the middle of an attempt, or the connection did not outlive it. */
  | { readonly reason: "slept" }
  /** The edge, or a new key of ours, wanted another connection. */
  | { readonly reason: "moved" }
  | { readonly reason: "closed"; readonly code: number; readonly detail: string };

export interface Consequence {
  /** For the state and the log, fit to be shown. */
  readonly message: string;
  readonly reason: ReconnectReason;
  /** When to dial again: at once, after the usual back-off, or after so many milliseconds. */
  readonly wait: "none" | "backoff" | number;
}

/** Another core works: taking turns with it would help nobody. */
export const REPLACED_WAIT_MS = 30_000;
/** Whatever answers there does not become our edge by asking often. */
const WRONG_EDGE_WAIT_MS = 15_000;
const MAX_DETAIL = 300;

export function consequenceOf(ending: Ending): Consequence {
  const { reason } = ending;
  switch (reason) {
    case "refused":
      return { message: refusal(ending), reason, wait: "backoff" };
    case "unreachable": {
      const { proxy, detail } = ending;
      const through = proxy === undefined ? "" : ` through the proxy ${proxy}`;
      return {
        message: `edge unreachable${through}: ${printable(detail)}`,
        reason,
        wait: "backoff",
      };
    }
    case "wrong_edge":
      return {
        message: "the edge's key is not the one we know: something in between answers for it",
        reason,
        wait: WRONG_EDGE_WAIT_MS,
      };
    case "silent":
      return { message: `the connection is dead: ${ending.detail}`, reason, wait: "backoff" };
    case "slept":
      return { message: "this machine was asleep", reason, wait: "none" };
    case "moved":
      return { message: "connecting anew", reason, wait: "none" };
    case "closed":
      return closed(ending.code, printable(ending.detail));
  }
}

function closed(code: number, detail: string): Consequence {
  if (
    code === CloseCode.notLeader ||
    (code === CloseCode.replaced && detail.startsWith("another core"))
  ) {
    return {
      message: `the relay refused us: ${detail}`,
      reason: "replaced",
      wait: REPLACED_WAIT_MS,
    };
  }
  if (code === CloseCode.revoked) {
    return { message: "the edge no longer accepts our key", reason: "closed", wait: "backoff" };
  }
  const message = `connection closed (${code} ${detail})`.replace(" )", ")");
  return { message, reason: "closed", wait: "backoff" };
}

function refusal(ending: Extract<Ending, { reason: "refused" }>): string {
  const { status, code, detail, location, proxy } = ending;
  if (proxy !== undefined) {
    const why =
      status === 407 ? "wants a user and a password (407)" : `does not let us through (${status})`;
    return `the proxy ${proxy} ${why}`;
  }
  if (isAccessLogin(location)) {
    return "Cloudflare Access asks for a login: it stands before the edge and wants a service token (sallyport.edge.access)";
  }
  if (code === "") {
    const to = location === "" ? "" : `, to ${printable(location).slice(0, 80)}`;
    return `the edge's address answered ${status}${to}, which is no answer of an edge: something in front of it, or another site`;
  }
  return `edge refused us: ${status} ${printable(code)} ${printable(detail)}`.trimEnd();
}

/** Source: https://developers.cloudflare.com/cloudflare-one/identity/authorization-cookie/ */
function isAccessLogin(location: string): boolean {
  const url = URL.parse(location, "https://edge.invalid");
  if (url === null) return false;
  const { hostname, pathname } = url;
  return hostname.endsWith(".cloudflareaccess.com") || pathname.startsWith("/cdn-cgi/access/");
}

/** A peer's words: one bounded line. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the control characters are the point
  return text.slice(0, MAX_DETAIL).replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}
