/**
 * The real core's end of the tunnel with as good as nothing behind it, and the same on a local
 * port: what is measured through it is the edge, the relay and the tunnel.
 * `node tunnel-core.ts <URL of the edge> <pairing secret>`
 */
import { once } from "node:events";
import { pino } from "pino";
import { serve } from "../../../core/gateway/port/serve.ts";
import type { ClientSocket } from "../../../core/tunnel/handlers.ts";
import { Secret } from "../../../shared/secret.ts";
import { aBundle, connectCore, TOKENS } from "../../support/tunnel-core.ts";
import { serveParent } from "../processes/parent.ts";

/** One piece of a download: what the tunnel puts into one frame. */
const PIECE = new Uint8Array(64 * 1024).fill(120);

/** Wider than anything the load can reach: a limit is not what is measured. */
const RATE = { perSecond: 100_000, burst: 1_000_000 };

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  switch (pathname) {
    case "/tiny":
      return Response.json({ ok: true });
    case "/events":
      return events(Number(searchParams.get("count")), Number(searchParams.get("everyMs")));
    case "/download":
      return download(Number(searchParams.get("bytes")));
    case "/upload":
      return upload(request);
    default:
      return new Response("no such route", { status: 404 });
  }
}

/** Each event says when it was sent; all processes of a machine share that clock. */
function events(count: number, everyMs: number): Response {
  let timer: NodeJS.Timeout | undefined;
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      timer = setInterval(() => {
        controller.enqueue(Buffer.from(`data: ${process.hrtime.bigint()}\n\n`));
        sent += 1;
        if (sent < count) return;
        clearInterval(timer);
        controller.close();
      }, everyMs);
    },
    cancel: () => clearInterval(timer),
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

function download(bytes: number): Response {
  let left = bytes;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = PIECE.subarray(0, Math.min(left, PIECE.length));
      left -= piece.length;
      controller.enqueue(piece);
      if (left === 0) controller.close();
    },
  });
  return new Response(body, { headers: { "Content-Type": "application/octet-stream" } });
}

async function upload(request: Request): Promise<Response> {
  let bytes = 0;
  for await (const piece of request.body ?? []) bytes += piece.byteLength;
  return Response.json({ bytes });
}

/** Sends each message back. */
function echo(socket: ClientSocket): void {
  socket.listen({
    onMessage: (message, receipt) => receipt.answer(message),
    onClose: () => undefined,
  });
}

const [, , edge = "", pairing = ""] = process.argv;
const bundle = await aBundle({ rate: RATE });
const { tunnel } = await connectCore({
  edge: new URL(edge),
  pairing: new Secret(pairing),
  fetch: (request) => answer(request),
  upgrade: async () => ({ accepted: true, protocol: undefined, survives: true, take: echo }),
  bundle: () => bundle,
});
const log = pino({ level: "silent" });
const server = await serve(
  { port: 0, host: "127.0.0.1", allowedHosts: new Set(), maxRequestBodyBytes: 2 ** 30 },
  {
    fetch: (request) => answer(request),
    upgrade: () => echo,
  },
  log,
);
serveParent({ port: server.port, token: TOKENS.operator }, async () => {
  const { body } = await tunnel.request(undefined, "GET", "/state");
  return body;
});
await once(process, "disconnect");
