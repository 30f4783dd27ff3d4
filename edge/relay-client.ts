import { GatewayError } from "../shared/errors.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { DeadlineError, type Watch, within } from "./deadline.ts";
import { CALL_HEADER, encodeCall, type RelayCall } from "./relay-call.ts";

export type RelayFailure =
  /** None that may be used has answered: the call was not sent anywhere. */
  | { readonly reason: "unreachable" }
  /** It has too much to do and did not take the call. */
  | { readonly reason: "overloaded" }
  /** It broke off: the call may have been executed. */
  | { readonly reason: "lost"; readonly cause: unknown }
  | { readonly reason: "timed_out" };

/** Any URL would do: an object has no address. */
const RELAY_URL = "https://relay.internal/";

/** The Worker's line to one relay. */
export class RelayClient {
  readonly #namespace: DurableObjectNamespace;
  readonly #id: DurableObjectId;
  readonly #options: DurableObjectNamespaceGetDurableObjectOptions;

  /** @param region - Asked for every time, though only the very first call places the object. */
  constructor(namespace: DurableObjectNamespace, name: string, region: DurableObjectLocationHint) {
    this.#namespace = namespace;
    this.#id = namespace.idFromName(name);
    this.#options = { locationHint: region };
  }

  /**
   * Hands over a client's request, body and all, unread.
   *
   * @param init - What differs from the request: at least the headers, with the call among them.
   * @param watch - Told when the answer takes its time.
   */
  async forward(
    request: Request,
    init: RequestInit,
    deadlineMs: number,
    watch?: Watch,
  ): Promise<Result<Response, RelayFailure>> {
    try {
      // A stub belongs to the request it was made for: only the id may be kept.
      const stub = this.#namespace.get(this.#id, this.#options);
      return ok(await within(stub.fetch(request, init), deadlineMs, watch));
    } catch (error) {
      return err(failureOf(error));
    }
  }

  /** A call that is no longer the client's request: a body that was read, or none. */
  send(
    init: { readonly headers: HeadersInit; readonly body?: Uint8Array<ArrayBuffer> },
    deadlineMs: number,
    watch?: Watch,
  ): Promise<Result<Response, RelayFailure>> {
    const request = new Request(RELAY_URL, { ...init, method: "POST" });
    return this.forward(request, {}, deadlineMs, watch);
  }

  /** A question of the Worker's own. */
  ask(call: RelayCall, deadlineMs: number): Promise<Result<Response, RelayFailure>> {
    return this.send({ headers: { [CALL_HEADER]: encodeCall(call) } }, deadlineMs);
  }
}

/** Source: https://developers.cloudflare.com/durable-objects/best-practices/error-handling/ */
function failureOf(error: unknown): RelayFailure {
  if (error instanceof DeadlineError) return { reason: "timed_out" };
  if (error instanceof Error && "overloaded" in error && error.overloaded === true) {
    return { reason: "overloaded" };
  }
  return { reason: "lost", cause: error };
}

/** Retries of a crowd are spread by this much, so that it does not come back at once. */
const RETRY_SPREAD_MS = 4_000;
/** A relay that was moved or restarted is back this soon. */
const UNREACHABLE_RETRY_MS = 2_000;

/** The same for the client. Only a call that was never taken is safe to send again. */
export function relayError(failure: RelayFailure, random: () => number): GatewayError {
  switch (failure.reason) {
    case "unreachable":
      return new GatewayError("core_offline", "The relay cannot be reached", {
        retryAfterMs: UNREACHABLE_RETRY_MS,
      });
    case "overloaded":
      return new GatewayError("overloaded", "The relay has too much to do", {
        retryAfterMs: 1_000 + random() * RETRY_SPREAD_MS,
      });
    case "timed_out":
      return new GatewayError("core_timeout", "The relay did not answer in time");
    case "lost":
      return new GatewayError("core_lost", "The relay was lost during the request", {
        cause: failure.cause,
      });
  }
}
