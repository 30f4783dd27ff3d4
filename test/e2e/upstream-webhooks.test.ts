import { createHmac } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { type ConnectedUpstream, startUpstream } from "../support/connector.ts";
import { listening } from "../support/http-upstream.ts";
import { webhooksIn } from "../support/webhook-config.ts";

let http: Awaited<ReturnType<typeof listening>>;
let site: ConnectedUpstream;
const upstream = new EventEmitter();
/** Statuses of the next answers; 200 after them. */
let answers: number[] = [];
let posts: { url: string; headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  http = await listening(
    createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        posts.push({ url: request.url ?? "", headers: request.headers, body });
        response.writeHead(answers.shift() ?? 200, { "Retry-After": "0" }).end("ok");
        upstream.emit("post");
      });
    }),
  );
  const { upstreamRoutes } = webhooksIn(
    JSON.stringify({
      sallyport: {
        upstream: { webhooks: ["signed"] },
        ingress: { routes: { signed: { verify: "github", secret: "shared-with-github" } } },
      },
    }),
  );
  site = await startUpstream({
    url: http.url,
    webhooks: ["github", "agent", "signed"],
    routes: upstreamRoutes,
  });
});
beforeEach(() => {
  answers = [];
  posts = [];
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await http[Symbol.asyncDispose]();
});

function post(name: string, key: string, token = site.hooksToken): Promise<Response> {
  const headers = { "Idempotency-Key": key, "X-GitHub-Event": "push" };
  return site.call(`/hooks/${name}`, { method: "POST", body: '{"ref":"main"}', headers, token });
}

async function posted(count: number): Promise<void> {
  while (posts.length < count) await once(upstream, "post");
}

test("a webhook is acknowledged when the upstream has it", async () => {
  const key = randomToken();
  expect((await post("github", key)).status).toBe(200);
  expect(posts).toHaveLength(1);
  expect(posts[0]).toMatchObject({ url: "/hooks/github", body: '{"ref":"main"}' });
  expect(posts[0]?.headers).toMatchObject({
    authorization: `Bearer ${site.hooksToken}`,
    "idempotency-key": key,
    "x-github-event": "push",
  });
});

test("the same one twice reaches the upstream once", async () => {
  const key = randomToken();
  expect((await post("agent", key)).status).toBe(200);
  expect((await post("agent", key)).status).toBe(200);
  expect(posts).toHaveLength(1);
});

test("an upstream that cannot take it now gets it again, and the sender need not know", async () => {
  answers = [503];
  expect((await post("github", randomToken())).status).toBe(200);
  expect(posts).toHaveLength(1);
  // The relay sends what waits when there is a new connection to send it on.
  await site.connect();
  await posted(2);
  expect(posts.map(({ body }) => body)).toEqual(['{"ref":"main"}', '{"ref":"main"}']);
});

test("one that the upstream will never take is not tried again", async () => {
  answers = [422];
  const refused = await post("github", randomToken());
  expect(refused.status).toBeLessThan(500);
  expect((await post("github", randomToken())).status).toBe(200);
  // Behind one of before that is only now settled, they may be on their way still.
  await posted(2);
  expect(posts).toHaveLength(2);
});

test("strangers and unknown names never get to the upstream", async () => {
  expect((await post("github", randomToken(), "wrong")).status).toBe(401);
  expect((await post("gitlab", randomToken())).status).toBe(404);
  expect(posts).toEqual([]);
});

test("a webhook that its sender signs is let in by its signature alone, and handed on as it came", async () => {
  const body = '{"ref":"main"}';
  const signature = createHmac("sha256", "shared-with-github").update(body).digest("hex");
  const send = (headers: Record<string, string>): Promise<Response> =>
    site.call("/hooks/signed", { method: "POST", body, headers, token: site.hooksToken });
  expect((await send({})).status).toBe(401);
  expect((await send({ "X-Hub-Signature-256": `sha256=${"0".repeat(64)}` })).status).toBe(401);
  expect(posts).toEqual([]);
  const headers = { "X-Hub-Signature-256": `sha256=${signature}`, "X-GitHub-Delivery": "d-1" };
  expect((await send(headers)).status).toBe(200);
  expect(posts).toMatchObject([{ url: "/hooks/signed", body }]);
  // For an upstream that checks it once more.
  expect(posts[0]?.headers["x-hub-signature-256"]).toBe(`sha256=${signature}`);
});
