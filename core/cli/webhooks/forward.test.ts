import { createServer, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../test/support/free-port.ts";
import { listening } from "../../../test/support/http-upstream.ts";
import { destinationOf, send, sentText } from "./forward.ts";

const NEVER = new AbortController().signal;
const WEBHOOK = {
  id: "github:1",
  route: "github",
  method: "PUT",
  query: "?a=1",
  headers: [
    ["content-type", "application/json"],
    ["x-hub-signature-256", "sha256=00"],
    ["x-twice", "one"],
    ["x-twice", "two"],
    ["connection", "keep-alive, x-secret"],
    ["transfer-encoding", "chunked"],
    ["content-length", "99999"],
    ["host", "edge.example"],
    ["expect", "100-continue"],
  ],
} satisfies Parameters<typeof send>[0]["webhook"];

interface Got {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

/** A server that keeps what it got. */
async function server(status = 204, headers: Record<string, string> = {}) {
  const got: Got[] = [];
  const running = await listening(
    createServer((request, response) => {
      void buffer(request).then((body) => {
        got.push({ request, body });
        return response.writeHead(status, headers).end();
      });
    }),
  );
  onTestFinished(() => running[Symbol.asyncDispose]());
  return { got, url: running.url };
}

test("method, query, headers and bytes arrive as they came, without those of the connection", async () => {
  const { got, url } = await server();
  const body = Buffer.from([0x7b, 0xff, 0x00, 0x0a, 0x7d]);
  const to = await destinationOf(new URL("/some/path", url).href, false);
  const sent = await send({ webhook: WEBHOOK, body, turn: 2 }, to, NEVER);
  expect(sent).toMatchObject({ id: "github:1", status: 204, error: null });
  const [first] = got;
  expect(first?.body).toEqual(body);
  const { method, url: path, headers } = first?.request ?? {};
  expect({ method, path }).toEqual({ method: "PUT", path: "/some/path?a=1" });
  expect(headers).toEqual({
    "content-type": "application/json",
    "x-hub-signature-256": "sha256=00",
    "x-twice": "one, two",
    "content-length": "5",
    "x-gw-replay": "github:1#2",
    host: url.host,
    connection: expect.any(String),
  });
});

test("a query of the address wins over that of the webhook", async () => {
  const { got, url } = await server();
  const to = await destinationOf(new URL("/?b=2", url).href, false);
  await send({ webhook: WEBHOOK, body: Buffer.alloc(0), turn: 1 }, to, NEVER);
  expect(got[0]?.request.url).toBe("/?b=2");
});

test("a redirect is an answer, not something to follow", async () => {
  const { got, url } = await server(302, { Location: "http://192.0.2.1/" });
  const to = await destinationOf(url.href, false);
  const sent = await send({ webhook: WEBHOOK, body: Buffer.alloc(0), turn: 1 }, to, NEVER);
  expect(sent.status).toBe(302);
  expect(got).toHaveLength(1);
});

test("a server that is down is told of, not thrown", async () => {
  const to = await destinationOf(`http://127.0.0.1:${await freePort()}/`, false);
  const sent = await send({ webhook: WEBHOOK, body: Buffer.alloc(0), turn: 1 }, to, NEVER);
  expect(sent).toMatchObject({ status: null, error: "nothing listens there" });
  expect(sentText(sent, { colours: false })).toBe("github:1: nothing listens there");
});

test("a wait for an answer ends when the process is asked to", async () => {
  const silent = await listening(createServer());
  onTestFinished(() => silent[Symbol.asyncDispose]());
  const to = await destinationOf(silent.url.href, false);
  const stop = new AbortController();
  const sending = send({ webhook: WEBHOOK, body: Buffer.alloc(0), turn: 1 }, to, stop.signal);
  stop.abort();
  expect(await sending).toMatchObject({ status: null });
});

test.each([
  "http://127.0.0.1:3000/x",
  "http://127.8.9.1/",
  "http://[::1]:3000/",
  "http://[fd00::1]/",
  "http://10.1.2.3/",
  "https://172.16.0.1/",
  "http://192.168.1.1:8080/",
  "http://[::ffff:10.0.0.1]/",
  "http://localhost:3000/",
])("%s is near enough", async (text) => {
  expect((await destinationOf(text, false)).url.href).toBe(new URL(text).href);
});

test.each([
  ["a public address", "http://8.8.8.8/"],
  ["a public address of IPv6", "http://[2001:4860:4860::8888]/"],
  ["a public address in disguise", "http://[::ffff:8.8.8.8]/"],
  ["where clouds keep credentials", "http://169.254.169.254/latest/meta-data/"],
  ["the same by a number", "http://2852039166/"],
  ["an address beyond a private block", "http://172.32.0.1/"],
  ["nobody", "http://0.0.0.0/"],
])("%s needs --allow-remote", async (_name, text) => {
  await expect(destinationOf(text, false)).rejects.toThrow("--allow-remote");
  expect((await destinationOf(text, true)).url.href).toBe(new URL(text).href);
});

test.each([
  "",
  "3000",
  "127.0.0.1:3000",
  "file:///etc/passwd",
  "http://u:p@127.0.0.1/",
  "ftp://127.0.0.1/",
])("%j is no address to forward to", async (text) => {
  await expect(destinationOf(text, true)).rejects.toThrow("--forward must be like");
});
