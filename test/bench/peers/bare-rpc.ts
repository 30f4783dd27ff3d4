/**
 * What calls over a WebSocket are measured against: `ws` that says yes to every request, and does
 * nothing else. No authentication, no scopes, no limits, no schema, no state.
 */
import { once } from "node:events";
import { WebSocketServer } from "ws";
import { serveParent } from "../processes/parent.ts";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.send(JSON.stringify({ type: "event", event: "connect.challenge", payload: {} }));
  socket.on("message", (message: Buffer) => {
    const { id } = Object(JSON.parse(message.toString("utf8")));
    socket.send(JSON.stringify({ type: "res", id, ok: true, payload: { ok: true } }));
  });
});
await once(server, "listening");
const address = server.address();
serveParent({ port: typeof address === "object" ? address?.port : undefined });
