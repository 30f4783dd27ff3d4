/** Slash commands of the published client, through the edge. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EdgeChat, startEdgeChat } from "../support/edge-chat.ts";
import { until } from "../support/until.ts";

let w: EdgeChat;

beforeAll(async () => {
  w = await startEdgeChat();
});
afterAll(() => w[Symbol.asyncDispose]());

test("/status tells of the gateway and of the session, asks no model, and leaves no trace in the talk", async () => {
  const key = "agent:main:status";
  await w.say(key, "hello");
  const asked = w.model.requests.length;
  const status = await w.say(key, "/status");
  expect(status).toContain(`session \`${key}\``);
  expect(status).toContain("2 messages");
  // It knows of the edge, and tells neither its secrets nor those of the model.
  expect(status).toMatch(/^Sallyport .* edge/m);
  expect(status).not.toContain(w.home.token);
  expect(status).not.toContain("sk-test");
  expect(w.model.requests).toHaveLength(asked);
  expect(await w.history(key)).toHaveLength(2);
});

test("/stop ends the turn under way at once, and the next message is answered", async () => {
  const key = "agent:main:stop";
  w.model.next({ kind: "hang", words: 3 });
  await w.send(key, "without an end", "endless");
  await until(() => w.heard.some(({ payload }) => payload["runId"] === "endless"));
  await until(() => JSON.stringify(w.heard).includes("word2"));
  await w.send(key, "/stop", "stop-it");
  expect(await w.ended("endless")).toMatchObject({ state: "aborted" });
  await w.model.waitForAborts(1);
  expect(await w.request("agent.wait", { runId: "endless", timeoutMs: 0 })).not.toMatchObject({
    status: "timeout",
  });
  expect(await w.say(key, "and now")).toBe("You said and now");
  expect(w.ends("endless")).toHaveLength(1);
});

test("/new begins the session anew, once, however often it is sent", async () => {
  const key = "agent:main:new";
  await w.say(key, "of old times");
  await w.send(key, "/new", "anew");
  await w.ended("anew");
  expect(JSON.stringify(await w.history(key))).not.toContain("of old times");
  expect(await w.say(key, "of new times")).toBe("You said of new times");
  expect(JSON.stringify(w.model.requests.at(-1)?.body)).not.toContain("of old times");
  expect(await w.send(key, "/new", "anew")).toMatchObject({ runId: "anew" });
  expect(JSON.stringify(await w.history(key))).toContain("of new times");
});
