import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { brokenRuntime, openUpstream, refusal } from "./exchange.ts";
import type { Passage } from "./front.ts";
import { responseHeaders } from "./heads.ts";

/** A client that asks for a WebSocket, as Node's server has let go of it. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly client: Duplex;
  /** What it sent after its head. */
  readonly head: Buffer;
}

/** For the last words of either side to arrive. */
const PARTING_MS = 100;
const LINGER_MS = 5_000;

/** Joins a client's WebSocket to the runtime, or passes on why there is none. */
export function upgrade({ request, client, head }: Upgrade, passage: Passage): void {
  client.on("error", () => client.destroy());
  const upstream = openUpstream(request, passage, [
    "Connection",
    "Upgrade",
    "Upgrade",
    "websocket",
  ]);
  client.once("close", () => upstream.destroy());
  upstream.once("upgrade", (answer: IncomingMessage, runtime: Duplex, first: Buffer) => {
    const accepted = ["Connection", "Upgrade", "Upgrade", "websocket"];
    client.write(headText(answer, [...responseHeaders(answer.rawHeaders), ...accepted]));
    if (first.byteLength > 0) client.write(first);
    if (head.byteLength > 0) runtime.write(head);
    join(client, runtime);
  });
  upstream.once("response", (answer) => {
    client.write(headText(answer, [...responseHeaders(answer.rawHeaders), "Connection", "close"]));
    answer.once("error", () => client.destroy());
    answer.pipe(client);
  });
  upstream.once("error", (error) => void refuse(client, request, error));
  upstream.end();
}

function headText({ statusCode = 502, statusMessage }: IncomingMessage, headers: string[]): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage ?? STATUS_CODES[statusCode] ?? ""}`];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    lines.push(`${headers[at] ?? ""}: ${headers[at + 1] ?? ""}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function join(client: Duplex, runtime: Duplex): void {
  runtime.on("error", () => client.destroy());
  runtime.pipe(client);
  client.pipe(runtime, { end: false });
  client.once("end", () => {
    // What it said last must arrive, and a runtime that was told goodbye closes by itself.
    const timer = setTimeout(() => runtime.destroy(), PARTING_MS);
    runtime.once("close", () => clearTimeout(timer));
  });
  client.once("close", () => runtime.destroy());
  runtime.once("close", () => {
    if (!client.writableEnded) client.destroy();
    // It was told; whoever does not close after that is not waited for.
    const timer = setTimeout(() => client.destroy(), LINGER_MS);
    client.once("close", () => clearTimeout(timer));
  });
}

async function refuse(client: Duplex, request: IncomingMessage, error: Error): Promise<void> {
  // After the upgrade the sockets speak for themselves.
  if (!client.writable) return;
  const answer = refusal(request, brokenRuntime(error));
  const body = await answer.text();
  const lines = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ""}`,
    ...[...answer.headers].map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  client.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
