/** Tricks with the form of a request: none gets anything past a gate, and none costs a genuine webhook. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestOf } from "../../shared/constant-time.ts";
import { type EdgeWithCore, startEdgeWithCore } from "../support/edge-with-core.ts";
import { aBundle, TOKENS } from "../support/tunnel-core.ts";

const SECRET = "only-the-sender-knows";
let world: EdgeWithCore;

beforeAll(async () => {
  const digests = [await digestOf(TOKENS.hook)];
  const bundle = await aBundle({
    routes: [
      { name: "own", verification: { scheme: "bearer", digests }, maxBodyBytes: 1024 },
      { name: "github", verification: { scheme: "github", secrets: [SECRET] }, maxBodyBytes: 1024 },
      { name: "unchecked", verification: { scheme: "core" }, maxBodyBytes: 1024 },
    ],
  });
  world = await startEdgeWithCore({ bundle: () => bundle }, { rateLimits: false });
});
afterAll(() => world[Symbol.asyncDispose]());

/** What was written to the wire, byte for byte, and the status line that came back. */
async function raw(text: string): Promise<string> {
  const socket = connect(Number(world.edge.url.port), world.edge.url.hostname);
  await once(socket, "connect");
  socket.write(Buffer.from(text, "utf8"));
  let answer = "";
  for await (const chunk of socket) {
    answer += String(chunk);
    if (answer.includes("\r\n\r\n")) break;
  }
  socket.destroy();
  return answer;
}

function request(line: string, headers: readonly string[], body: string): string {
  return [`${line} HTTP/1.1`, "Host: edge.test", ...headers, "Connection: close", "", body].join(
    "\r\n",
  );
}

const BODY = "{}";
const LENGTH = `Content-Length: ${BODY.length}`;
const AUTH = `Authorization: Bearer ${TOKENS.hook}`;
const STATUS = /^HTTP\/1\.1 (\d+)/;

async function tried(line: string, ...headers: string[]): Promise<[status: string, heard: number]> {
  const before = world.core.deliveries.length;
  const answer = await raw(request(line, headers, BODY));
  return [STATUS.exec(answer)?.[1] ?? answer, world.core.deliveries.length - before];
}

test.each([
  ["POST /hooks/own", [AUTH], "200", 1],
  ["POST //hooks/own", [AUTH], "401", 0],
  ["POST /hooks/own/", [AUTH], "401", 0],
  ["POST /hooks/OWN", [AUTH], "404", 0],
  ["POST /%68ooks/own", [AUTH], "401", 0],
  ["POST /hooks/%6fwn", [AUTH], "404", 0],
  ["POST /hooks/../hooks/own", [AUTH], "200", 1],
  ["POST /hooks/own?x=/hooks/github", [AUTH], "200", 1],
  ["POST /hooks/own;x=1", [AUTH], "404", 0],
  ["POST /hooks/__proto__", [AUTH], "404", 0],
  ["PUT /hooks/own", [AUTH], "405", 0],
  ["HEAD /hooks/own", [AUTH], "405", 0],
  ["OPTIONS /hooks/own", [AUTH], "405", 0],
  ["GET /hooks/own", [AUTH, "X-HTTP-Method-Override: POST"], "405", 0],
  ["POST /hooks/own", [AUTH, AUTH], "401", 0],
  ["POST /hooks/own", ["Authorization: Bearer nobody", "X-OpenClaw-Token: nobody"], "401", 0],
  ["POST /hooks/own", [AUTH, "X-Name: snow ☃ man"], "200", 1],
  ["POST /hooks/own", [AUTH, "Idempotency-Key: café"], "400", 0],
  ["POST /hooks/own", [AUTH, "Content-Encoding: gzip"], "200", 1],
] as const)("%s %j: %s", async (line, headers, status, heard) => {
  expect(await tried(line, LENGTH, ...headers)).toEqual([status, heard]);
});
