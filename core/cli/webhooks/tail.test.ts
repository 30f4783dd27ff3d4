import { once } from "node:events";
import { expect, test } from "vitest";
import { hookGateway, linesOf } from "../../../test/support/hook-gateway.ts";
import { WebhookEntry } from "../../webhooks/methods/answers.ts";

async function idOf(lines: AsyncIterator<string>): Promise<string> {
  return WebhookEntry.parse(JSON.parse(String((await lines.next()).value))).id;
}

test("tail goes on when the gateway is back, says so on stderr alone, and misses nothing", async () => {
  const it = await hookGateway();
  const first = await it.gateway();
  await it.post("before");
  const tail = it.start("webhooks", "tail", "--json", "--since", "1h");
  const [out, err] = [linesOf(tail.stdout), linesOf(tail.stderr)];
  expect(await idOf(out)).toBe("wake:before");

  first.kill("SIGTERM");
  expect(await once(first, "exit")).toEqual([0, null]);
  expect((await err.next()).value).toContain("waiting for it to come back");
  const second = await it.gateway();
  await it.post("after");
  expect((await err.next()).value).toContain("following again");
  expect(await idOf(out)).toBe("wake:after");

  second.kill("SIGKILL");
  expect((await err.next()).value).toContain("waiting for it to come back");
  tail.kill("SIGTERM");
  expect(await once(tail, "exit")).toEqual([0, null]);
});

test("what is piped has no colours, and a list is a table", async () => {
  const it = await hookGateway();
  const gateway = await it.gateway();
  expect((await it.run("webhooks", "list")).out).toBe("no webhooks\n");
  await it.post("one");
  const { code, out, err } = await it.run("webhooks", "list", "--limit", "1");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const [head = "", row = "", ...rest] = out.split("\n");
  expect(head).toMatch(/^RECEIVED +ROUTE +STATE +BYTES +ID +NOTE$/);
  expect(row).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +wake +\w+ +14 +wake:one$/);
  expect(rest).toEqual([""]);
  expect((await it.run("webhooks", "show", "wake:none")).code).toBe(1);
  expect((await it.run("webhooks", "list", "--token", "wrong")).code).toBe(1);
  gateway.kill("SIGTERM");
  expect(await once(gateway, "exit")).toEqual([0, null]);
});
