import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { takeChallenge } from "./openclaw-challenge.ts";

/** An upstream that greets with `greeting`, and then says `next`; undefined: it closes instead. */
async function greetedWith(greeting: string | undefined, next?: string) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  server.on("connection", (accepted) => {
    if (greeting === undefined) accepted.close(1013);
    else if (greeting !== "") accepted.send(greeting);
    accepted.once("message", () => accepted.send(next ?? ""));
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  socket.on("error", () => undefined);
  // At once, as `dial` does: what was sent with the opening waits.
  socket.once("open", () => socket.pause());
  await once(socket, "open");
  return {
    socket,
    [Symbol.dispose]() {
      socket.terminate();
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
}

const CHALLENGE = { nonce: "6f0c1f0e", ts: 1_700_000_000_000, capabilities: ["x"] };
const GREETING = JSON.stringify({ type: "event", event: "connect.challenge", payload: CHALLENGE });

test("the upstream's challenge is taken, and what comes after it is for the client", async () => {
  using upstream = await greetedWith(GREETING, "hello");
  expect(await takeChallenge(upstream.socket, 5_000)).toMatchObject({
    nonce: CHALLENGE.nonce,
    ts: CHALLENGE.ts,
  });
  expect(upstream.socket.isPaused).toBe(true);
  const next = once(upstream.socket, "message");
  upstream.socket.send("connect");
  upstream.socket.resume();
  expect(String((await next)[0])).toBe("hello");
});

test.each([
  ["closes", undefined, "bad_response"],
  ["says something else", '{"type":"event","event":"tick"}', "bad_response"],
  ["says nothing that can be read", "welcome!", "bad_response"],
  ["says nothing", "", "core_timeout"],
])("an upstream that %s is one that no client can talk to", async (_name, greeting, code) => {
  using upstream = await greetedWith(greeting);
  const deadlineMs = greeting === "" ? 50 : 5_000;
  await expect(takeChallenge(upstream.socket, deadlineMs)).rejects.toMatchObject({ code });
  expect(upstream.socket.readyState).toBeGreaterThanOrEqual(WebSocket.CLOSING);
});
