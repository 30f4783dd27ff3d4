import { expect, test } from "vitest";
import type { Delivery } from "../tunnel/handlers.ts";
import { faultOf, Webhooks } from "./deliver.ts";

function aDelivery(change: Partial<Delivery> = {}): Delivery {
  return {
    id: "github:1",
    route: "github",
    items: [{ id: "github:1", lane: "github" }],
    receivedAt: 0,
    requestId: "request-1",
    verified: "github",
    secret: 0,
    method: "POST",
    query: "",
    ip: "203.0.113.9",
    syncMs: 0,
    attempts: 0,
    headers: new Headers({ "content-type": "application/json", "x-github-event": "push" }),
    body: new TextEncoder().encode('{"a":1}'),
    ...change,
  };
}

function answering(...statuses: number[]) {
  const seen: { request: Request; body: string; requestId: string }[] = [];
  const webhooks = new Webhooks({
    url: new URL("http://127.0.0.1:9000"),
    async fetch(request, requestId) {
      seen.push({ request, body: await request.text(), requestId });
      return new Response("said", { status: statuses.shift() ?? 200 });
    },
  });
  return { webhooks, seen };
}

test("a webhook is posted as it came, with its id", async () => {
  const { webhooks, seen } = answering(202);
  expect(await webhooks.deliver(aDelivery())).toBe("committed");
  const [post] = seen;
  expect(post).toMatchObject({ body: '{"a":1}', requestId: "request-1" });
  expect(post?.request.url).toBe("http://127.0.0.1:9000/hooks/github");
  expect(Object.fromEntries(post?.request.headers ?? [])).toMatchObject({
    "content-type": "application/json",
    "content-length": "7",
    "x-github-event": "push",
    "idempotency-key": "github:1",
  });
});

test("a sender's own key goes on", async () => {
  const { webhooks, seen } = answering();
  await webhooks.deliver(aDelivery({ headers: new Headers({ "idempotency-key": "mine" }) }));
  expect(seen[0]?.request.headers.get("idempotency-key")).toBe("mine");
});

test("one that has arrived is not sent again, one that has failed is", async () => {
  const { webhooks, seen } = answering(500, 200);
  await expect(webhooks.deliver(aDelivery())).rejects.toMatchObject({ code: "overloaded" });
  expect(await webhooks.deliver(aDelivery())).toBe("committed");
  expect(await webhooks.deliver(aDelivery())).toBe("duplicate");
  expect(seen).toHaveLength(2);
});

test("a webhook keeps its method and its query", async () => {
  const { webhooks, seen } = answering();
  await webhooks.deliver(aDelivery({ method: "PUT", query: "?a=1&b=%20" }));
  expect(seen[0]?.request.method).toBe("PUT");
  expect(seen[0]?.request.url).toBe("http://127.0.0.1:9000/hooks/github?a=1&b=%20");
});

test.each([200, 403])("a sender that waits gets what the upstream says with %i", async (status) => {
  const { webhooks, seen } = answering(status);
  const waiting = aDelivery({ syncMs: 5_000 });
  const answer = await webhooks.deliver(waiting);
  expect(answer).toEqual({
    status,
    contentType: "text/plain;charset=UTF-8",
    body: new TextEncoder().encode("said"),
  });
  expect(await webhooks.deliver(waiting)).toEqual(answer);
  expect(seen).toHaveLength(1);
});

test("a sender that waits hears of a failure later, when it has passed", async () => {
  const { webhooks } = answering(503, 200);
  const waiting = aDelivery({ syncMs: 5_000 });
  await expect(webhooks.deliver(waiting)).rejects.toMatchObject({ code: "overloaded" });
  expect(await webhooks.deliver(waiting)).toMatchObject({ status: 200 });
});

test("an upstream that is slower than the sender is not asked twice", async () => {
  const gate = Promise.withResolvers<Response>();
  let asked = 0;
  const webhooks = new Webhooks({
    url: new URL("http://127.0.0.1:9000"),
    fetch() {
      asked += 1;
      return gate.promise;
    },
  });
  const waiting = aDelivery({ syncMs: 1 });
  await expect(webhooks.deliver(waiting)).rejects.toMatchObject({ retryAfterMs: 5_000 });
  const later = webhooks.deliver(aDelivery());
  gate.resolve(new Response("late"));
  expect(await later).toBe("duplicate");
  expect(asked).toBe(1);
  expect(await webhooks.deliver(aDelivery())).toMatchObject({ status: 200 });
});

test("two tries at once are one post", async () => {
  const { webhooks, seen } = answering(200);
  const both = await Promise.all([webhooks.deliver(aDelivery()), webhooks.deliver(aDelivery())]);
  expect(both).toEqual(["committed", "duplicate"]);
  expect(seen).toHaveLength(1);
});

test.each([
  [200, undefined],
  [204, undefined],
  [302, "overloaded"],
  [400, "invalid_request"],
  [401, "invalid_request"],
  [404, "invalid_request"],
  [408, "overloaded"],
  [409, "overloaded"],
  [413, "invalid_request"],
  [425, "overloaded"],
  [429, "overloaded"],
  [500, "overloaded"],
  [503, "overloaded"],
])("status %i means %s", (status, code) => {
  expect(faultOf(status, null)?.code).toBe(code);
});

test.each([
  ["30", 30_000],
  ["999999999", 3_600_000],
  ["-1", undefined],
  ["Fri, 31 Dec 1999 23:59:59 GMT", undefined],
  [null, undefined],
])("a Retry-After of %s is %s ms", (text, ms) => {
  expect(faultOf(503, text)?.retryAfterMs).toBe(ms);
});
