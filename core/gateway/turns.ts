import { GatewayError } from "../../shared/errors.ts";
import type { AgentEvent } from "../agents/event.ts";
import type { Conversations } from "../conversation/session.ts";
import type { RunTurn } from "../http/answer.ts";
import { draining } from "./port/draining.ts";
import { UnderWay } from "./lifecycle/under-way.ts";
import type { Turn } from "../conversation/turn.ts";

/**
 * Turns that nobody can make last for ever.
 *
 * @param timeoutMs - Longest a turn may take, its wait for its session included.
 * @param shutdown - Aborts when the gateway can wait no longer.
 * @param underWay - Knows of each until its end.
 */
export function boundedTurns(
  conversations: Pick<Conversations, "run">,
  timeoutMs: number,
  shutdown: AbortSignal,
  underWay = new UnderWay(),
): RunTurn {
  // One listener on the long-lived signal: one for every turn, or `AbortSignal.timeout`, whose
  // timers cannot be cleared, would keep every turn in memory for as long as it might have taken.
  const running = new Set<AbortController>();
  shutdown.addEventListener("abort", () => {
    for (const turn of running) turn.abort(cutOff());
  });

  return async function* run(turn: Turn, clientGone: AbortSignal): AsyncGenerator<AgentEvent> {
    const job = underWay.begin("http");
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(tooLong()), timeoutMs);
    const onGone = (): void => stop.abort(clientGone.reason);
    clientGone.addEventListener("abort", onGone, { once: true });
    running.add(stop);
    if (clientGone.aborted) onGone();
    if (shutdown.aborted) stop.abort(draining());
    try {
      for await (const event of conversations.run(turn, stop.signal)) {
        yield event.type === "failed" ? explained(event, stop.signal) : event;
      }
    } finally {
      clearTimeout(timer);
      clientGone.removeEventListener("abort", onGone);
      running.delete(stop);
      job[Symbol.dispose]();
    }
  };
}

/** A turn that was stopped says why. */
function explained(
  event: Extract<AgentEvent, { readonly type: "failed" }>,
  { reason }: AbortSignal,
): AgentEvent {
  if (event.code !== "canceled" || !(reason instanceof GatewayError)) return event;
  const { code, message, retryAfterMs } = reason;
  return { ...event, code, message, retryAfterMs };
}

/** A turn that has begun may have run tools: it is not safe to ask again. */
function cutOff(): GatewayError {
  return new GatewayError("core_reset", "The gateway ended before the turn did");
}

function tooLong(): GatewayError {
  return new GatewayError("model_timeout", "The turn took longer than this gateway allows");
}
