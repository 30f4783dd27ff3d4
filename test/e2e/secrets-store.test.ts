/** A key of the secret store: given over the protocol through the edge, used, and changed while all runs on. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { type EdgeChat, startEdgeChat } from "../support/edge-chat.ts";

/** The one that the vendor knows. */
const RIGHT = `sk-right-${randomToken()}`;
const WRONG = `sk-wrong-${randomToken()}`;
const LATER = `sk-later-${randomToken()}`;
const NAME = "VENDOR_KEY";
const KEY = "agent:main:secrets";
const lines: string[] = [];
let w: EdgeChat;

beforeAll(async () => {
  const apiKey = { source: "store", provider: "default", id: NAME };
  w = await startEdgeChat({
    apiKey: RIGHT,
    onLine: (line) => void lines.push(line),
    config: {
      agents: { defaults: { model: "openai/gpt-x" } },
      models: { providers: { openai: { apiKey } } },
    },
    env: (model) => ({ OPENAI_BASE_URL: model.baseUrl }),
  });
});
afterAll(() => w[Symbol.asyncDispose]());

async function set(value: string): Promise<unknown> {
  return w.request("secrets.store.set", { name: NAME, value, kind: "secret" });
}

async function turn(runId: string): Promise<unknown> {
  await w.send(KEY, "hello", runId);
  return (await w.ended(runId))["state"];
}

/** Files of the state that have one of these in them. */
async function filesWith(...values: readonly string[]): Promise<string[]> {
  const entries = await readdir(w.home.dir, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    if (values.some((value) => bytes.includes(value))) found.push(entry.name);
  }
  return found;
}

test("a key that is set counts for the next turn, and so does the next one, without a restart", async () => {
  const { pid } = w.core;
  expect(await turn("without")).toBe("error");
  expect(await set(WRONG)).toMatchObject({ ok: true, reloaded: true, warningCount: 0 });
  expect(await turn("wrong")).toBe("error");
  expect(await set(RIGHT)).toMatchObject({ ok: true, reloaded: true, warningCount: 0 });
  expect(await turn("right")).toBe("final");
  expect(await set(LATER)).toMatchObject({ ok: true, reloaded: true, warningCount: 0 });
  expect(await turn("later")).toBe("error");
  expect(await set(RIGHT)).toMatchObject({ ok: true });
  expect(await turn("again")).toBe("final");
  expect(w.core.pid).toBe(pid);
  expect(w.core.log.join("\n")).not.toContain("gateway restart");
});

test("its value is nowhere but in the store", async () => {
  const told = await Promise.all([
    w.request("config.get"),
    w.request("secrets.store.list"),
    w.request("secrets.resolve", { commandName: "x", targetIds: ["models.providers.*.apiKey"] }),
    w.request("models.authStatus"),
    w.request("chat.history", { sessionKey: KEY }),
    w.request("logs.tail", { limit: 500 }),
    w.request("status"),
  ]);
  const all = JSON.stringify([told, w.heard, w.core.log, lines]);
  expect(all).toContain(NAME);
  for (const value of [RIGHT, WRONG, LATER]) expect(all).not.toContain(value);
  expect(await filesWith(RIGHT)).toEqual(["secrets.json"]);
  expect(await filesWith(WRONG, LATER)).toEqual([]);
});

test("a kill forgets none of it, and what is taken out of the store counts no more", async () => {
  await w.kill();
  await w.start();
  expect(await turn("after")).toBe("final");
  expect(await w.request("secrets.store.delete", { name: NAME })).toMatchObject({ ok: true });
  expect(await turn("gone")).toBe("error");
});
