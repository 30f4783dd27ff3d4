/** What a suspended gateway does not begin. Pure but for the suspension it asks. */
import { GatewayError } from "../../../shared/errors.ts";
import { problemResponse } from "../../../shared/problem.ts";
import type { RunState } from "../../conversation/run.ts";
import type { Methods } from "../../methods/method.ts";
import { Suspension } from "../../methods/system/suspension.ts";
import type { TunnelHandlers } from "../../tunnel/handlers.ts";
import type { Origin } from "../auth/auth.ts";
import type { UnderWay } from "./under-way.ts";

/** A suspension is short, or the machine is asleep. */
const RETRY_AFTER_MS = 5_000;

/** Methods that make work; all others only look, or change what is set. */
const WORK: ReadonlySet<string> = new Set([
  "agent",
  "chat.send",
  "cron.run",
  "message.action",
  "send",
  "sessions.compact",
  "sessions.send",
  "tools.invoke",
]);

/** The same methods, of which those that make work are refused while the gateway is suspended. */
export function gateMethods(methods: Methods, gate: Pick<Suspension, "admit">): Methods {
  return new Map(
    methods.entries().map(([name, method]) => {
      if (!WORK.has(name)) return [name, method];
      const call: typeof method.call = (params, context) => {
        gate.admit();
        return method.call(params, context);
      };
      return [name, { ...method, call }];
    }),
  );
}

type Fetch = (request: Request, origin: Origin) => Response | Promise<Response>;

/** The same requests and deliveries, less those that a suspended gateway refuses. */
export class Gate {
  readonly #suspension: Suspension;
  readonly #underWay: UnderWay;

  /** @param underWay - Knows of each until it is answered. */
  constructor(suspension: Suspension, underWay: UnderWay) {
    this.#suspension = suspension;
    this.#underWay = underWay;
  }

  fetch(fetch: Fetch): (request: Request, origin: Origin) => Promise<Response> {
    return (request, origin) =>
      this.#pass(() =>
        this.#suspension.isOpen || !isWork(request)
          ? fetch(request, origin)
          : suspended(request, origin),
      );
  }

  deliver(deliver: TunnelHandlers["deliver"]): TunnelHandlers["deliver"] {
    return (delivery) =>
      this.#pass(() => {
        this.#suspension.admit();
        return deliver(delivery);
      });
  }

  async #pass<T>(work: () => T | Promise<T>): Promise<T> {
    this.#underWay.begin();
    try {
      return await work();
    } finally {
      this.#underWay.end();
    }
  }
}

/** What waits is no blocker: it is not begun while the gateway is suspended. */
export function suspensionOf(active: () => readonly RunState[], now: () => number): Suspension {
  const runs = (): number => active().filter(({ status }) => status === "running").length;
  return new Suspension(() => ({ runs: runs() }), now);
}

/** Whether a request asks for work: the probes of a suspended gateway are answered as ever. */
function isWork({ method }: Request): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
}

/** The answer to one that does. */
function suspended(request: Request, origin: Origin): Response {
  const { requestId } = origin.via === "edge" ? origin.caller : origin;
  const error = new GatewayError("core_draining", "The gateway is suspended", {
    retryAfterMs: RETRY_AFTER_MS,
  });
  const path = new URL(request.url).pathname;
  return problemResponse(error, { hop: "core", requestId, path });
}
