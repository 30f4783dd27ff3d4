import { GatewayError } from "../../shared/errors.ts";
import { problemResponse } from "../../shared/problem.ts";
import { type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import { type CallOf, MOVABLE, UNSENT_HEADER } from "../relay-call.ts";
import type { Clients } from "./clients.ts";
import type { CoreLink } from "./core-link.ts";
import type { Cores } from "./cores.ts";
import { exchange } from "./http-exchange.ts";
import { Lobby } from "./lobby.ts";
import { RateLimiter } from "./rate-limiter.ts";
import type { Registry } from "./registry.ts";
import { upgrade } from "./upgrade.ts";

type Call = CallOf<"http" | "websocket">;

interface Parts {
  readonly cores: Cores;
  readonly clients: Clients;
  readonly registry: Registry;
}

/** Offline for longer than a restart takes: somebody has to look, so there is no hurry. */
const OFFLINE_RETRY_MS = 5_000;

/** Clients' requests on their way to the core that works. */
export class Forwarder {
  readonly #parts: Parts;
  readonly #limiter = new RateLimiter();
  readonly #lobby = new Lobby();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** A core is there: those who wait for one go on. */
  open(): void {
    this.#lobby.open();
  }

  /** Hands a request over, or answers it with what is in the way. */
  async forward(call: Call, request: Request): Promise<Response> {
    const { registry } = this.#parts;
    const arrivedAt = Date.now();
    // Revocations reach this object before the isolates that let callers in.
    if (!registry.accepts(call.digest)) throw unauthenticated();
    if (call.ticket !== undefined && !registry.useTicket(call.ticket, arrivedAt)) {
      throw unauthenticated();
    }
    const spent = this.#limiter.spend(call.subject, registry.rate, arrivedAt);
    const added: Fields = [...spent.headers, ["x-request-id", call.requestId]];
    try {
      if (!spent.allowed) {
        throw new GatewayError("rate_limited", "Too many requests; slow down", spent);
      }
      const link = this.#pick(call, arrivedAt) ?? (await this.#wait(call, request, arrivedAt));
      return await this.#send(link, call, request, new Timing(call, arrivedAt, added));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return refusal(error, request, call, added);
    }
  }

  #pick(call: Call, now: number): CoreLink | undefined {
    return this.#parts.cores.pick(now, call.head);
  }

  /** A core that was here a moment ago is worth waiting for. @throws GatewayError core_offline */
  async #wait(call: Call, request: Request, arrivedAt: number): Promise<CoreLink> {
    const { cores } = this.#parts;
    const until = cores.expectedUntil(arrivedAt);
    for (let now = arrivedAt; await this.#lobby.wait(until, now, request.signal);) {
      now = Date.now();
      const link = this.#pick(call, now);
      if (link !== undefined) return link;
    }
    const seen = cores.lastSeenAt() === 0 ? "has not connected" : "is not connected";
    throw new GatewayError("core_offline", `The core ${seen}`, { retryAfterMs: OFFLINE_RETRY_MS });
  }

  async #send(link: CoreLink, call: Call, request: Request, timing: Timing): Promise<Response> {
    try {
      return await this.#sendOnce(link, call, request, timing);
    } catch (error) {
      const repeatable = request.body === null && error instanceof GatewayError;
      if (!repeatable || !MOVABLE.has(error.code)) throw error;
      // Once more, elsewhere or to the same one's successor; and that is it.
      const now = Date.now();
      const other = this.#pick(call, now);
      const next = other === link || other === undefined ? undefined : other;
      return this.#sendOnce(next ?? (await this.#wait(call, request, now)), call, request, timing);
    }
  }

  #sendOnce(link: CoreLink, call: Call, request: Request, timing: Timing): Promise<Response> {
    timing.sent();
    if (call.kind === "websocket") return upgrade(link, request, call, this.#parts.clients);
    return exchange(link.session, request, call, (fields) => timing.headers(fields));
  }
}

/** Where the time of a request went: `Server-Timing`, for callers who were let in. */
class Timing {
  readonly #startedAt: number;
  readonly #arrivedAt: number;
  readonly #added: Fields;
  #sentAt = 0;

  constructor({ startedAt }: Call, arrivedAt: number, added: Fields) {
    // A Worker of the version before does not say.
    this.#startedAt = startedAt ?? arrivedAt;
    this.#arrivedAt = arrivedAt;
    this.#added = added;
  }

  sent(): void {
    this.#sentAt = Date.now();
  }

  /** What the core says of itself comes behind. Whole milliseconds: the runtime's clock stands still between events. */
  headers(fields: Fields): Fields {
    const edge = Math.max(0, this.#arrivedAt - this.#startedAt);
    const queue = this.#sentAt - this.#arrivedAt;
    const tunnel = Date.now() - this.#sentAt;
    const ours = `edge;dur=${edge}, queue;dur=${queue}, tunnel;dur=${tunnel}`;
    const theirs = fieldOf(fields, "server-timing");
    const all = theirs === undefined ? ours : `${ours}, ${theirs}`;
    return [...this.#added, ["server-timing", all]];
  }
}

function unauthenticated(): GatewayError {
  return new GatewayError("unauthenticated", "A valid bearer token is required");
}

function refusal(error: GatewayError, request: Request, call: Call, added: Fields): Response {
  const path = new URL(request.url).pathname;
  const response = problemResponse(error, { hop: "relay", requestId: call.requestId, path });
  for (const [name, value] of added) response.headers.set(name, value);
  if (MOVABLE.has(error.code)) response.headers.set(UNSENT_HEADER, "1");
  return response;
}
