import { once } from "node:events";
import { WebSocket } from "ws";
import { quantile } from "../stats.ts";
import type { IdleResult, ParsedTarget, RequestsResult, TaskOf } from "./task.ts";

/** Opened at once: more would be a measurement of the machine's accept queue. */
const OPEN_AT_ONCE = 50;

/** Each message is the time of its sending; what comes back says how long it took. */
export async function echo(task: TaskOf<"echo">): Promise<RequestsResult> {
  const sockets = await openAll(task.target, task.sockets);
  const latencies: number[] = [];
  const padding = "x".repeat(Math.max(0, task.bytes - 24));
  const startedAt = performance.now();
  const say = (socket: WebSocket): void => socket.send(`${performance.now()}|${padding}`);
  await Promise.all(
    sockets.map(async (socket) => {
      const done = Promise.withResolvers<void>();
      let underWay = task.window;
      socket.on("message", (message: Buffer) => {
        const now = performance.now();
        latencies.push(now - Number(message.toString("latin1").split("|")[0]));
        if (now - startedAt < task.forMs) say(socket);
        else if ((underWay -= 1) === 0) done.resolve();
      });
      socket.on("close", (code) => done.reject(new Error(`closed with ${code}`)));
      for (let index = 0; index < task.window; index += 1) say(socket);
      await done.promise;
      socket.removeAllListeners("close");
      socket.terminate();
    }),
  );
  return {
    count: latencies.length,
    failed: 0,
    seconds: (performance.now() - startedAt) / 1_000,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

let held: WebSocket[] = [];

/** Holds so many open; 0 lets them all go. */
export async function idle(task: TaskOf<"idle">): Promise<IdleResult> {
  const closed = held.filter(({ readyState }) => readyState !== WebSocket.OPEN).length;
  if (task.sockets < held.length)
    for (const socket of held.splice(task.sockets)) socket.terminate();
  else held.push(...(await openAll(task.target, task.sockets - held.length)));
  return { open: held.length, closed };
}

async function openAll(target: ParsedTarget, count: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(OPEN_AT_ONCE, count - sockets.length) }, () =>
      open(target),
    );
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

async function open({ port, path, headers }: ParsedTarget): Promise<WebSocket> {
  const url = `ws://127.0.0.1:${port}${path}`;
  const socket = new WebSocket(url, { headers, perMessageDeflate: false });
  await once(socket, "open");
  return socket;
}
