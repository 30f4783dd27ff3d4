import * as z from "zod";
import { quantile } from "../stats.ts";
import { GatewayLink } from "./gateway-link.ts";
import type { RequestsResult, TaskOf } from "./task.ts";

/** Closed loop: the next call when the answer to the one before is there. */
export async function runCalls(task: TaskOf<"calls">): Promise<RequestsResult> {
  const { port, token, method, forMs } = task;
  using link = await GatewayLink.open(port, token);
  return await repeat(forMs, async () => {
    await link.call(method, {});
  });
}

const Chat = z.object({ runId: z.string(), state: z.string() });
const ENDS: ReadonlySet<string> = new Set(["final", "aborted", "error"]);

/** Closed loop of chats in a session of their own: from asking to the last word of the answer. */
export async function runChats({ port, token, forMs }: TaskOf<"chats">): Promise<RequestsResult> {
  using link = await GatewayLink.open(port, token);
  const sessionKey = `bench-${crypto.randomUUID()}`;
  return await repeat(forMs, async () => {
    const idempotencyKey = crypto.randomUUID();
    const ended = link.heard("chat", (payload) => {
      const { data } = Chat.safeParse(payload);
      return data?.runId === idempotencyKey && ENDS.has(data.state);
    });
    await link.call("chat.send", { sessionKey, message: "How do you do?", idempotencyKey });
    const { state } = Chat.parse(await ended);
    if (state !== "final") throw new Error(`a chat ended as ${state}`);
  });
}

async function repeat(forMs: number, one: () => Promise<void>): Promise<RequestsResult> {
  const latencies: number[] = [];
  const startedAt = performance.now();
  while (performance.now() - startedAt < forMs) {
    const beganAt = performance.now();
    await one();
    latencies.push(performance.now() - beganAt);
  }
  return {
    count: latencies.length,
    failed: 0,
    seconds: (performance.now() - startedAt) / 1_000,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}
