/** Clients that try to be somebody else, or two requests at once, and cores that call themselves. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TOKENS } from "../../support/tunnel-core.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
/** Method and path of everything the core was asked. */
const asked: string[] = [];

beforeAll(async () => {
  world = await startWorld({
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      asked.push(`${request.method} ${pathname}`);
      if (pathname !== "/loop") return new Response(await request.bytes());
      // What a core does that was told its own edge is an upstream.
      const headers = new Headers(request.headers);
      headers.set("Authorization", `Bearer ${TOKENS.operator}`);
      return fetch(new URL("/loop", world.edge.url), { headers });
    },
  });
});
afterAll(() => world[Symbol.asyncDispose]());

test("failure 56: a core whose requests come back to itself is stopped after three rounds", async () => {
  asked.length = 0;
  const response = await world.call("/loop");
  expect(response.status).toBe(508);
  await response.arrayBuffer();
  expect(asked).toEqual(["GET /loop", "GET /loop", "GET /loop"]);
  await world.settled('"code":"loop"');
});

const HEAD = `Host: edge\r\nAuthorization: Bearer ${TOKENS.operator}\r\n`;
const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: edge\r\n\r\n";

// Each row can be read as one request or as two.
test.each([
  [
    "two lengths",
    `POST /echo HTTP/1.1\r\n${HEAD}Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
  ],
  [
    "a length and chunks",
    `POST /echo HTTP/1.1\r\n${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  [
    "chunks in a strange spelling",
    `POST /echo HTTP/1.1\r\n${HEAD}Content-Length: 5\r\nTransfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  [
    "a header that goes on in the next line",
    `GET /echo HTTP/1.1\r\n${HEAD}X-Long: a\r\n Content-Length: 3\r\n\r\n`,
  ],
  [
    "a space before the colon",
    `POST /echo HTTP/1.1\r\n${HEAD}Content-Length : ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
  ],
  ["a bare line feed in a header", `GET /echo HTTP/1.1\r\n${HEAD}X-A: a\nX-B: b\rX-C: c\r\n\r\n`],
  ["a negative length", `POST /echo HTTP/1.1\r\n${HEAD}Content-Length: -1\r\n\r\nabc`],
  ["a NUL in a header", `GET /echo HTTP/1.1\r\n${HEAD}X-A: a\0b\r\n\r\n`],
])("failure 54: a request with %s makes at most one of it", async (_name, bytes) => {
  asked.length = 0;
  const socket = connect(Number(world.edge.url.port), "127.0.0.1");
  let answer = "";
  socket.on("data", (data) => {
    answer += data.toString("latin1");
  });
  socket.on("error", () => undefined);
  const gone = once(socket, "close").catch(() => undefined);
  socket.end(Buffer.from(bytes, "latin1"));
  await gone;
  expect(asked.filter((line) => line !== "POST /echo" && line !== "GET /echo")).toEqual([]);
  expect(asked.length).toBeLessThanOrEqual(1);
  expect(answer.split("HTTP/1.1 200").length).toBeLessThanOrEqual(2);
  await world.settled('"code":"loop"');
});
