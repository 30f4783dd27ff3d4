import { quantile } from "../stats.ts";
import { Connection } from "./connection.ts";
import type { EventsResult, ParsedTarget, RequestsResult, TaskOf, TransferResult } from "./task.ts";

/** Of an upload, written at once. */
const PIECE = Buffer.alloc(256 * 1024, "upload ");

/** Closed loop: a connection sends its next request when it has the answer to the one before. */
export async function runRequests(task: TaskOf<"requests">): Promise<RequestsResult> {
  const { target, connections, forMs, count } = task;
  const requestOf = requests(target);
  const latencies: number[] = [];
  let begun = 0;
  let failed = 0;
  using open = await openAll(connections, target.port);
  const startedAt = performance.now();
  const lane = async (connection: Connection): Promise<void> => {
    while (begun < count && performance.now() - startedAt < forMs) {
      begun += 1;
      const sentAt = performance.now();
      const status = await connection.request([requestOf()]);
      latencies.push(performance.now() - sentAt);
      if (!isExpected(target, status)) failed += 1;
    }
  };
  await Promise.all(open.connections.map(lane));
  return {
    count: latencies.length,
    failed,
    seconds: (performance.now() - startedAt) / 1_000,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

function isExpected({ status: expected }: ParsedTarget, status: number): boolean {
  return expected === undefined ? status >= 200 && status < 300 : status === expected;
}

/** @throws Error when the stream does not end with 200, or holds no event. */
export async function readEvents({ target }: TaskOf<"events">): Promise<EventsResult> {
  using connection = await Connection.open(target.port);
  const delaysMs: number[] = [];
  let firstArrival = 0n;
  let lastSending = 0n;
  let text = "";
  const status = await connection.request([requests(target)()], (bytes) => {
    const arrivedAt = process.hrtime.bigint();
    if (firstArrival === 0n) firstArrival = arrivedAt;
    text += bytes.toString("latin1");
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      lastSending = BigInt(event.slice("data: ".length));
      delaysMs.push(Number(arrivedAt - lastSending) / 1e6);
    }
  });
  if (status !== 200 || delaysMs.length === 0) throw new Error(`no event stream: ${status}`);
  return { delaysMs, leadMs: Number(lastSending - firstArrival) / 1e6 };
}

/** @throws Error for an answer that is not 200. */
export async function transfer(task: TaskOf<"transfer">): Promise<TransferResult> {
  const { target, uploadBytes, times } = task;
  using connection = await Connection.open(target.port);
  const request = requests(target, uploadBytes)();
  const pieces = Array.from({ length: Math.ceil(uploadBytes / PIECE.length) }, (_, index) =>
    PIECE.subarray(0, Math.min(PIECE.length, uploadBytes - index * PIECE.length)),
  );
  let received = 0;
  const startedAt = performance.now();
  for (let time = 0; time < times; time += 1) {
    const status = await connection.request([request, ...pieces], (bytes) => {
      received += bytes.length;
    });
    if (status !== 200) throw new Error(`${target.path} answered ${status}`);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  return { bytes: uploadBytes > 0 ? uploadBytes * times : received, seconds };
}

/** Makes the bytes of one request after another. */
function requests(target: ParsedTarget, uploadBytes = 0): () => Buffer | string {
  const { method, path, port, headers, body, uniqueHeader } = target;
  const length = uploadBytes || Buffer.byteLength(body);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(method === "POST" ? [`Content-Length: ${length}`] : []),
  ];
  const head = lines.join("\r\n");
  if (uniqueHeader === undefined) {
    const whole = Buffer.from(`${head}\r\n\r\n${body}`);
    return () => whole;
  }
  const run = crypto.randomUUID();
  let number = 0;
  return () => {
    number += 1;
    return `${head}\r\n${uniqueHeader}: ${run}-${number}\r\n\r\n${body}`;
  };
}

async function openAll(
  count: number,
  port: number,
): Promise<Disposable & { connections: readonly Connection[] }> {
  const connections = await Promise.all(Array.from({ length: count }, () => Connection.open(port)));
  return {
    connections,
    [Symbol.dispose]() {
      for (const connection of connections) connection[Symbol.dispose]();
    },
  };
}
