/** A change of the config that takes a restart, while slow turns run at both doors. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EdgeChat, startEdgeChat } from "../support/edge-chat.ts";
import { reply } from "../support/fake-model.ts";
import { until } from "../support/until.ts";

const WORDS = Array.from({ length: 60 }, (_value, at) => `word${at}`).join(" ");
let w: EdgeChat;

beforeAll(async () => {
  w = await startEdgeChat({ config: { gateway: { reload: { debounceMs: 50 } } } });
});
afterAll(() => w[Symbol.asyncDispose]());

/** Its words, and what came last. */
async function streamed(base: URL | string): Promise<{ text: string; last: string }> {
  const response = await fetch(new URL("/v1/chat/completions", base), {
    method: "POST",
    headers: { Authorization: `Bearer ${w.home.token}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      model: "openclaw",
      stream: true,
      messages: [{ role: "user", content: "at length" }],
    }),
  });
  expect(response.status).toBe(200);
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: "));
  const text = lines
    .slice(0, -1)
    .map((line) => JSON.parse(line.slice("data: ".length)).choices[0]?.delta.content ?? "")
    .join("");
  return { text, last: lines.at(-1) ?? "" };
}

/** Webhooks are served elsewhere: the port has that in its table of paths. */
async function moveHooks(): Promise<void> {
  const path = join(w.home.dir, "openclaw.json");
  const file = JSON.parse(await readFile(path, "utf8"));
  await writeFile(path, JSON.stringify({ ...file, hooks: { ...file.hooks, path: "/in" } }));
}

function logged(what: string): boolean {
  return w.core.log.some((line) => line.includes(`"${what}"`));
}

test("turns over HTTP and over the protocol end whole before the restart, and whoever waits for one hears the truth", async () => {
  const gate = Promise.withResolvers<void>();
  const slow = reply(WORDS, { gate: gate.promise });
  w.model.next(slow, slow, slow);
  const http = [streamed(w.edge.url), streamed(w.core.url)];
  await w.send("agent:main:slow", "at length", "slow");
  const waits = ["slow", "later"].map((runId) =>
    w.request("agent.wait", { runId, timeoutMs: 60_000 }),
  );
  await w.model.waitForRequests(3);
  const pid = w.core.pid;
  await moveHooks();
  await until(() => logged("restart deferred"));
  expect(await w.request("status")).toMatchObject({
    pendingRestart: { waitsFor: expect.stringContaining("3 under way") },
  });
  expect(logged("gateway restarting")).toBe(false);

  gate.resolve();
  for (const stream of http) {
    expect(await stream).toEqual({ text: WORDS, last: "data: [DONE]" });
  }
  const end = await w.ended("slow");
  expect(end).toMatchObject({ state: "final" });
  expect(JSON.stringify(end)).toContain(WORDS);
  expect(await waits[0]).toMatchObject({ runId: "slow", status: "ok" });
  await until(() => logged("gateway restarted"));
  expect(w.core.pid).toBe(pid);
  // None was cut off and asked again.
  expect(w.model.requests).toHaveLength(3);

  // One that was waited for before the restart, and begins after it.
  await w.send("agent:main:slow", "a word", "later");
  expect(await waits[1]).toMatchObject({ runId: "later", status: "ok" });
  for (const runId of ["slow", "later"]) {
    expect(await w.request("agent.wait", { runId, timeoutMs: 0 })).toMatchObject({ status: "ok" });
  }
  expect(await w.request("agent.wait", { runId: "nobody", timeoutMs: 1 })).toMatchObject({
    status: "timeout",
  });
  const woken = await fetch(new URL("/in/wake", w.core.url), {
    method: "POST",
    headers: { Authorization: `Bearer ${w.home.hooksToken}`, "Content-Type": "application/json" },
    body: JSON.stringify({ text: "It rains" }),
  });
  expect(woken.status).toBe(200);
});
