/** What a gateway does not begin while it is suspended, or about to begin anew. */
import { GatewayError } from "../../../shared/errors.ts";
import { problemResponse } from "../../../shared/problem.ts";
import { type Method, type Methods, PutOff } from "../../methods/method.ts";
import type { Suspension } from "../../methods/system/suspension.ts";
import type { TunnelHandlers } from "../../tunnel/handlers.ts";
import type { Origin } from "../auth/auth.ts";
import type { UnderWay } from "./under-way.ts";
import { LOOK } from "./work.ts";

/** A suspension is short, or the machine is asleep. */
const RETRY_AFTER_MS = 5_000;

/**
 * Methods that make work; all others only look, or change what is set. `run`: the work is a run,
 * which is known as such; `call`: it is over when the call is.
 */
const WORK: ReadonlyMap<string, "run" | "call"> = new Map([
  ["agent", "run"],
  ["chat.send", "run"],
  ["cron.run", "run"],
  ["message.action", "call"],
  ["send", "call"],
  ["sessions.compact", "call"],
  ["sessions.send", "run"],
  ["tools.invoke", "call"],
]);

type Fetch = (request: Request, origin: Origin) => Response | Promise<Response>;

export interface GateParts {
  readonly suspension: Pick<Suspension, "isOpen" | "admit">;
  /** Knows of each request and call until it is answered. */
  readonly underWay: () => UnderWay;
  /** Below it are webhooks, which are done as soon as they are kept. */
  readonly hooksPath: string;
}

/** The door of a leader: who comes in, and what is under way behind it. */
export class Gate {
  readonly #parts: GateParts;
  #holds = false;

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /** True while no work is begun: the gateway is suspended, or about to begin anew. */
  get isShut(): boolean {
    return this.#holds || !this.#parts.suspension.isOpen;
  }

  /** From now on work waits, for this gateway or for the one after it; or no longer. */
  hold(holds: boolean): void {
    this.#holds = holds;
  }

  /** Whether a request asks for work, which waits while work waits. */
  isWork(request: Request): boolean {
    const { pathname } = new URL(request.url);
    return mayChange(request) && !pathname.startsWith(`${this.#parts.hooksPath}/`);
  }

  /** The same methods, of which those that make work are refused or put off while it is shut. */
  methods(methods: Methods): Methods {
    return new Map(
      methods.entries().map(([name, method]) => {
        const work = WORK.get(name);
        return [name, work === undefined ? method : this.#guarded(name, method, work)];
      }),
    );
  }

  fetch(fetch: Fetch): (request: Request, origin: Origin) => Promise<Response> {
    const { suspension, underWay } = this.#parts;
    return (request, origin) =>
      underWay().during(this.isWork(request) ? "request" : LOOK, () =>
        suspension.isOpen || !mayChange(request)
          ? fetch(request, origin)
          : suspended(request, origin),
      );
  }

  deliver(deliver: TunnelHandlers["deliver"]): TunnelHandlers["deliver"] {
    const { suspension, underWay } = this.#parts;
    return (delivery) =>
      underWay().during(LOOK, () => {
        suspension.admit();
        return deliver(delivery);
      });
  }

  #guarded(name: string, method: Method, work: "run" | "call"): Method {
    const { suspension, underWay } = this.#parts;
    const call: Method["call"] = (params, context) =>
      underWay().during(work === "call" ? name : LOOK, () => {
        suspension.admit();
        if (this.#holds) throw new PutOff(() => Promise.reject(draining()));
        return method.call(params, context);
      });
    return { ...method, call };
  }
}

/** Whether a request may change something: the probes of a suspended gateway are answered as ever. */
function mayChange({ method }: Request): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
}

function draining(): GatewayError {
  return new GatewayError("core_draining", "The gateway is about to begin anew", {
    retryAfterMs: RETRY_AFTER_MS,
  });
}

/** The answer to a request for work while the gateway is suspended. */
function suspended(request: Request, origin: Origin): Response {
  const { requestId } = origin.via === "edge" ? origin.caller : origin;
  const error = new GatewayError("core_draining", "The gateway is suspended", {
    retryAfterMs: RETRY_AFTER_MS,
  });
  const path = new URL(request.url).pathname;
  return problemResponse(error, { hop: "core", requestId, path });
}
