import { createServer } from "node:http";
import pino from "pino";
import { expect, test } from "vitest";
import { listening } from "../../../test/support/http-upstream.ts";
import { webhookConfig, webhooksIn } from "../../../test/support/webhook-config.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { LIMITS } from "../../../shared/limits.ts";
import type { InboxItem } from "../../store/entry.ts";
import type { WebhookDetail } from "../../store/webhook.ts";
import { forwarder, outcomeOf } from "./forward.ts";

const NOW = 1_790_000_000_000;

const WEBHOOK: WebhookDetail = {
  seq: 1,
  id: "github:d1",
  route: "github",
  scheme: "github",
  verifiedBy: "edge",
  requestId: "request-1",
  method: "PUT",
  state: "running",
  reason: undefined,
  receivedAt: NOW,
  acceptedAt: NOW,
  endedAt: undefined,
  lanes: ["github"],
  size: 3,
  items: 1,
  replayOf: undefined,
  duplicates: 0,
  attempts: 0,
  sync: false,
  query: "?b=2",
  ip: "",
  secret: 0,
  headers: [
    ["x-github-delivery", "d1"],
    ["content-type", "text/x"],
    ["content-length", "999"],
    ["connection", "upgrade"],
    ["host", "evil.example"],
  ],
  work: [],
  replies: [],
  replays: [],
  answer: undefined,
};

function item(url: string, attempt = 2): InboxItem {
  const payload = { webhook: "github:d1", route: "github", url };
  return { id: "github:d1", source: "forward", lane: "l", payload, attempt, receivedAt: NOW };
}

function forwarding(forward: object, body = "\u00ff\u0000a") {
  const { ingress } = webhooksIn(
    webhookConfig({ github: { verify: "github", secret: "a-secret-of-github", forward } }),
  );
  return forwarder({
    ingress: () => ingress,
    store: {
      webhook: async () => WEBHOOK,
      webhookBody: async () => ({ bytes: utf8(body), total: body.length }),
    },
    fetch: (url, init) => fetch(url, init),
    now: () => NOW,
    random: () => 0,
    log: pino({ level: "silent" }),
  });
}

const never = new AbortController().signal;

test("a webhook is posted on as it came, with what tells its tries apart and what opens the server", async () => {
  const seen: { line: string; headers: object; body: string }[] = [];
  await using server = await listening(
    createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method, url, headers } = request;
        seen.push({ line: `${method} ${url}`, headers, body: String(Buffer.concat(chunks)) });
        response.writeHead(202, { "content-type": "a/b" }).end("taken");
      });
    }),
  );
  const url = new URL("/in", server.url).href;
  const outcome = await forwarding({ url, headers: { "x-key": "opens it" } })(item(url), never);
  expect(outcome).toEqual({
    do: "finish",
    answer: { status: 202, contentType: "a/b", body: utf8("taken") },
  });
  expect(seen).toMatchObject([
    {
      line: "PUT /in?b=2",
      body: "\u00ff\u0000a",
      headers: {
        host: server.url.host,
        "content-length": "4",
        "content-type": "text/x",
        "x-github-delivery": "d1",
        "idempotency-key": "github:d1",
        "x-gw-request-id": "request-1",
        "x-gw-attempt": "2",
        "x-gw-route": "github",
        "x-key": "opens it",
      },
    },
  ]);
});

test.each([
  ["another server than it was addressed to", "http://127.0.0.1:9/other"],
  ["a payload that is none", 5],
])("%s gets nothing", async (_name, url) => {
  const handle = forwarding({ url: "http://127.0.0.1:9/in" });
  const outcome = await handle({ ...item(""), payload: { ...WEBHOOK, webhook: "x", url } }, never);
  expect(outcome.do).toBe("bury");
});

test("a redirect is not followed", async () => {
  let asked = 0;
  await using server = await listening(
    createServer((_request, response) => {
      asked += 1;
      response.writeHead(307, { location: "/elsewhere" }).end();
    }),
  );
  const url = server.url.href;
  expect(await forwarding({ url })(item(url), never)).toEqual({
    do: "bury",
    reason: "The server answered 307",
  });
  expect(asked).toBe(1);
});

test("a server that does not answer in time, and one that is not there, are asked again", async () => {
  await using server = await listening(createServer(() => undefined));
  const url = server.url.href;
  expect(await forwarding({ url, timeoutMs: 100 })(item(url), never)).toMatchObject({
    do: "retry",
    reason: "No answer within 100 ms",
  });
  const gone = await listening();
  const nowhere = gone.url.href;
  await gone[Symbol.asyncDispose]();
  expect(await forwarding({ url: nowhere })(item(nowhere), never)).toMatchObject({
    do: "retry",
    reason: expect.stringMatching(/^The server cannot be reached: ECONN/),
  });
});

test("of a long answer the beginning is kept", async () => {
  await using server = await listening(
    createServer((_request, response) => response.end("x".repeat(1_000_000))),
  );
  const url = server.url.href;
  const outcome = await forwarding({ url })(item(url), never);
  if (outcome.do !== "finish") throw new Error(outcome.reason);
  expect(outcome.answer.body.byteLength).toBe(LIMITS.maxSyncAnswerBytes);
});

const answered = (status: number, retryAfter: string | null = null) => ({
  answer: { status, contentType: "", body: new Uint8Array(0) },
  retryAfter,
});

test.each([
  [200, "finish"],
  [204, "finish"],
  [301, "bury"],
  [400, "bury"],
  [401, "bury"],
  [404, "bury"],
  [408, "retry"],
  [409, "retry"],
  [410, "bury"],
  [429, "retry"],
  [500, "retry"],
  [503, "retry"],
])("after status %i it is to %s", (status, wanted) => {
  const outcome = outcomeOf(answered(status), { item: item(""), now: NOW, random: () => 0 });
  expect(outcome.do).toBe(wanted);
});

test.each([
  [1, null, 500],
  [2, null, 1_000],
  [11, null, 300_000],
  [1_000, null, 300_000],
  [1, "7", 7_000],
  [1, "0", 500],
  [1, "999999999", 3_600_000],
  [1, "Fri, 31 Dec 1999 23:59:59 GMT", 500],
])("try %i with Retry-After %s is followed by a pause of %i ms", (attempt, retryAfter, delayMs) => {
  const tried = answered(503, retryAfter);
  const outcome = outcomeOf(tried, { item: item("", attempt), now: NOW, random: () => 0 });
  expect(outcome).toMatchObject({ do: "retry", delayMs });
});

test("after three days it is given up", () => {
  const facts = { item: item("", 500), random: () => 0 };
  const then = NOW + LIMITS.spoolRetentionMs;
  expect(outcomeOf(answered(503), { ...facts, now: then }).do).toBe("retry");
  expect(outcomeOf(answered(503), { ...facts, now: then + 1 })).toEqual({
    do: "bury",
    reason: "Given up after 500 tries: The server answered 503",
  });
});
