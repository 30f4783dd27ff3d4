import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { callGateway } from "../../cli/client.ts";
import { configErrorText } from "../../config/issues/error.ts";
import { loadSettings } from "../../config/resolve.ts";
import type { Settings } from "../../config/settings.ts";
import { createLog } from "../../log.ts";
import { startGateway } from "../lifecycle/start.ts";

const TOKEN = "42:abcdefghijklmnopqrstuvwxyz";

/** Telegram's Bot API: it knows the bot, and has no news for it until it hangs up. */
async function telegram() {
  const polls: string[] = [];
  const server = createServer((incoming, outgoing) => {
    incoming.resume();
    const method = incoming.url?.split("/").at(-1) ?? "";
    if (method === "getUpdates") {
      polls.push(method);
      return;
    }
    const bot = { id: 42, is_bot: true, first_name: "Bot", username: "my_bot" };
    const result = method === "getMe" ? bot : method === "getWebhookInfo" ? { url: "" } : true;
    outgoing.writeHead(200, { "Content-Type": "application/json" });
    outgoing.end(JSON.stringify({ ok: true, result }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  return {
    polls,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function world() {
  await using guard = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "live-"));
  guard.defer(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, "openclaw.json");
  const write = (config: object): Promise<void> =>
    writeFile(
      file,
      JSON.stringify({
        gateway: { mode: "local", port: 0, reload: { debounceMs: 10 } },
        ...config,
      }),
    );
  await write({});
  const env = { OPENCLAW_STATE_DIR: dir };
  const load = () => loadSettings({ env, cwd: dir, home: dir, flags: {}, uid: undefined });
  const first = await load();
  if (!first.ok) throw new Error(configErrorText(first.error));
  const settings: Settings = first.value;
  const log = createLog("silent", { write: () => undefined });
  const gateway = guard.use(await startGateway(settings, log, load));
  const { secret: token } = settings.gateway.token;
  const stack = guard.move();
  return {
    write,
    async call(method: string, params: object = {}): Promise<unknown> {
      const target = { url: gateway.url, token, timeoutMs: 10_000 };
      return (await callGateway(target, method, params))?.payload;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const running = (is: boolean): object => ({ channels: { telegram: { running: is } } });

test("a channel that is written into the config begins to receive, and ends when it is taken out", async () => {
  await using there = await telegram();
  await using it = await world();
  const account = { botToken: TOKEN, apiRoot: there.url };
  await it.write({ channels: { telegram: account } });
  await expect.poll(() => there.polls.length).toBe(1);
  expect(await it.call("channels.status")).toMatchObject(running(true));

  await it.call("channels.stop", { channel: "telegram" });
  expect(await it.call("channels.status")).toMatchObject(running(false));
  await it.call("channels.start", { channel: "telegram" });
  await expect.poll(() => there.polls.length).toBe(2);

  await it.write({ channels: { telegram: { ...account, enabled: false } } });
  await expect.poll(() => it.call("channels.status")).toMatchObject(running(false));
});

test("an agent that a client adds is there when the answer is", async () => {
  await using it = await world();
  expect(await it.call("agents.create", { name: "Work" })).toMatchObject({ agentId: "work" });
  expect(await it.call("agents.list")).toMatchObject({ agents: [{ id: "main" }, { id: "work" }] });
  const file = { agentId: "work", name: "SOUL.md" };
  await it.call("agents.files.set", { ...file, content: "Be kind." });
  expect(await it.call("agents.files.get", file)).toMatchObject({ file: { content: "Be kind." } });
  await it.call("agents.delete", { agentId: "work" });
  expect(await it.call("agents.list")).toMatchObject({ agents: [{ id: "main" }] });
});
