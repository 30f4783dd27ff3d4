import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { hookGateway, linesOf } from "../../../test/support/hook-gateway.ts";
import { listening } from "../../../test/support/http-upstream.ts";

/** A developer's own. @returns Where it is, and the ids of what it got. */
async function server() {
  const got: string[] = [];
  const running = await listening(
    createServer((request, response) => {
      got.push(String(request.headers["x-gw-replay"]));
      request.resume();
      response.writeHead(202).end();
    }),
  );
  onTestFinished(() => running[Symbol.asyncDispose]());
  return { got, url: new URL("/in", running.url).href };
}

test("what is a replay itself is not sent on with the others, unless it is asked for", async () => {
  const it = await hookGateway();
  await it.gateway();
  const { got, url } = await server();
  await it.post("one");
  await it.post("two");
  expect(await it.run("webhooks", "test", "wake", "--wait")).toMatchObject({ code: 0 });
  expect((await it.run("webhooks", "replay", "wake:one", "--force")).code).toBe(0);
  const forward = ["webhooks", "replay", "--route", "wake", "--limit", "3", "--forward", url];
  expect((await it.run(...forward)).code).toBe(0);
  expect(got.splice(0)).toEqual(["wake:one#1", "wake:two#1", expect.stringMatching(/^wake:/)]);
  expect((await it.run(...forward, "--force")).code).toBe(0);
  expect(got.splice(0)).toEqual(["wake:two#1", expect.any(String), "wake:one#1#1"]);
  expect((await it.run("webhooks", "replay", "wake:one#1", "--forward", url)).code).toBe(0);
  expect(got).toEqual(["wake:one#1#1"]);
});

test("what tail sends on has the shape of its table, with the answer as the note", async () => {
  const it = await hookGateway();
  await it.gateway();
  const { url } = await server();
  await it.post("one");
  const tail = it.start("webhooks", "tail", "--since", "1h", "--forward", url);
  tail.stderr?.resume();
  const lines = linesOf(tail.stdout);
  const head = String((await lines.next()).value);
  const row = String((await lines.next()).value);
  expect(head).toMatch(/^RECEIVED +ROUTE +STATE +BYTES +ID +NOTE$/);
  expect(row.slice(head.indexOf("ROUTE"))).toMatch(/^wake +\w+ +14 +wake:one +202 in \d+ ms$/);
  expect(row.slice(head.indexOf("NOTE"))).toMatch(/^202 in /);
});
