/**
 * What the core is measured against: Hono on node:http that passes a chat on to the model with
 * `fetch`, and does nothing else. No sessions, no store, no authentication, no agent, no log.
 * `node bare-gateway.ts <base URL of the model>`
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { Hono } from "hono";
import { serveParent } from "../processes/parent.ts";

const [, , model = ""] = process.argv;

const app = new Hono();
app.post("/v1/chat/completions", async (c) => {
  const answer = await fetch(`${model}/chat/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: await c.req.text(),
  });
  return c.json(await answer.json());
});

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = "GET", url = "/" } = incoming;
  const body = await buffer(incoming);
  const init = method === "GET" ? { method } : { method, body };
  const response = await app.fetch(new Request(new URL(url, "http://127.0.0.1"), init));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(await response.bytes());
}

const server = createServer((incoming, outgoing) => void serve(incoming, outgoing));
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
serveParent({ port: typeof address === "object" ? address?.port : undefined });
