import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { CloseCode } from "../../../shared/close-code.ts";
import { type Passage, brokenRuntime, openUpstream, refusal } from "./exchange.ts";
import { FrameFollower, closeFrame } from "./frames.ts";
import { responseHeaders } from "./heads.ts";

/** A client that asks for a WebSocket, as Node's server has let go of it. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly client: Duplex;
  /** What it sent after its head. */
  readonly head: Buffer;
}

/** Clients come back for it. */
const CLOSE_RESTART = closeFrame(CloseCode.restart, "the edge restarts");

/** For the last words of either side to arrive. */
const PARTING_MS = 100;
const LINGER_MS = 5_000;

/**
 * Joins a client's WebSocket to the runtime, or passes on why there is none.
 *
 * @returns Takes leave of the client, because the edge ends.
 */
export function upgrade({ request, client, head }: Upgrade, passage: Passage): () => void {
  let takeLeave = (): void => void client.destroy();
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
    if (head.byteLength > 0) runtime.write(head);
    takeLeave = join(client, runtime, first);
  });
  upstream.once("response", (answer) => {
    client.write(headText(answer, [...responseHeaders(answer.rawHeaders), "Connection", "close"]));
    answer.once("error", () => client.destroy());
    answer.pipe(client);
  });
  upstream.once("error", (error) => void refuse(client, request, error));
  upstream.end();
  return () => takeLeave();
}

function headText({ statusCode = 502, statusMessage }: IncomingMessage, headers: string[]): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage ?? STATUS_CODES[statusCode] ?? ""}`];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    lines.push(`${headers[at] ?? ""}: ${headers[at + 1] ?? ""}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** @param first - What the runtime has sent already. */
function join(client: Duplex, runtime: Duplex, first: Buffer): () => void {
  const sent = new FrameFollower();
  sent.push(first);
  if (first.byteLength > 0) client.write(first);
  runtime.on("data", (chunk: Buffer) => sent.push(chunk));
  // Its socket's close comes next, and with it all that is to be done.
  runtime.on("error", () => {});
  runtime.pipe(client, { end: false });
  client.pipe(runtime, { end: false });
  client.once("end", () => {
    // What it said last must arrive, and a runtime that was told goodbye closes by itself.
    const timer = setTimeout(() => runtime.destroy(), PARTING_MS);
    runtime.once("close", () => clearTimeout(timer));
  });
  client.once("close", () => runtime.destroy());
  runtime.once("close", () => {
    if (!client.writableEnded) takeLeave();
    // It was told; whoever does not close after that is not waited for.
    const timer = setTimeout(() => client.destroy(), LINGER_MS);
    client.once("close", () => clearTimeout(timer));
  });
  /** In the middle of a frame there is no saying anything: a cut is what is left. */
  function takeLeave(): void {
    runtime.unpipe(client);
    if (sent.mayClose) client.end(CLOSE_RESTART);
    else if (sent.closed) client.end();
    else client.destroy();
  }
  return takeLeave;
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
