/** The config is edited while everybody works: nobody notices, and what was edited counts. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { connectFrame, openGatewaySocket } from "../support/gateway-socket.ts";
import { reply } from "../support/fake-model.ts";
import { type FakeTelegram, startFakeTelegram } from "../support/fake-telegram.ts";
import { type OpenAiWorld, startOpenAiWorld } from "../support/openai-world.ts";
import { type Aim, call, chat, complete, sit, type Tally } from "../support/steady-load.ts";

const File = z.record(z.string(), z.unknown());
type File = z.output<typeof File>;
const CLIENTS = 4;

let world: OpenAiWorld;
let telegram: FakeTelegram;
const parts = new AsyncDisposableStack();

beforeAll(async () => {
  telegram = parts.use(await startFakeTelegram({ httpWebhooks: true }));
  world = parts.use(
    await startOpenAiWorld({
      agents: { defaults: { model: "openai/gpt-first" } },
      sallyport: { limits: { rate: { perSecond: 1_000, burst: 2_000 } } },
    }),
  );
  world.model.always(reply((said) => `You said ${said.slice(0, 100)}`, { wordDelayMs: 5 }));
  // The watcher takes a file that is written often for one that is being written.
  await edit((file) => {
    const gateway = File.parse(file["gateway"]);
    return { ...file, gateway: { ...gateway, reload: { debounceMs: 50 } } };
  });
});
afterAll(() => parts.disposeAsync());

async function edit(change: (file: File) => File): Promise<void> {
  const path = join(world.home.dir, "openclaw.json");
  const file = File.parse(JSON.parse(await readFile(path, "utf8")));
  await writeFile(path, JSON.stringify(change(file)));
}

/** Calls a method as the owner, on a connection of its own. */
async function ask(method: string, params: object = {}): Promise<unknown> {
  using client = await openGatewaySocket(world.core.url);
  await client.frame({ event: "connect.challenge" });
  client.send(connectFrame({ auth: { token: world.home.token }, scopes: ["operator.admin"] }));
  await client.frame({ type: "res", id: "1", ok: true });
  client.send({ type: "req", id: "2", method, params });
  return (await client.frame({ id: "2" }))["payload"];
}

interface Edit {
  readonly name: string;
  readonly change: (file: File) => File;
  /** Settles with something that was not so before. */
  readonly shows: () => Promise<unknown>;
  readonly as: unknown;
}

function gatewayWith(file: File, more: object): File {
  return { ...file, gateway: { ...File.parse(file["gateway"]), ...more } };
}

const EDITS: readonly Edit[] = [
  {
    name: "another model",
    change: (file) => ({ ...file, agents: { defaults: { model: "openai/gpt-second" } } }),
    shows: async () => JSON.stringify(world.model.requests.at(-1)?.body),
    as: expect.stringContaining("gpt-second"),
  },
  {
    name: "another agent",
    change: (file) => ({
      ...file,
      agents: { ...File.parse(file["agents"]), entries: { main: {}, second: {} } },
    }),
    shows: async () => (await world.call("the edge", "/v1/models")).text(),
    as: expect.stringContaining("openclaw/second"),
  },
  {
    name: "another webhook",
    change: (file) => ({
      ...file,
      hooks: {
        ...File.parse(file["hooks"]),
        mappings: [{ match: { path: "mine" }, action: "wake", textTemplate: "It came" }],
      },
    }),
    shows: async () => {
      const headers = { Authorization: `Bearer ${world.home.hooksToken}` };
      const init = {
        method: "POST",
        body: "{}",
        headers: { ...headers, "Content-Type": "application/json" },
      };
      const doors = ["the core's own port", "the edge"] as const;
      return Promise.all(
        doors.map(async (door) => (await world.call(door, "/hooks/mine", init)).status),
      );
    },
    as: [200, 200],
  },
  {
    name: "no cron",
    change: (file) => ({ ...file, cron: { enabled: false } }),
    shows: () => ask("cron.status"),
    as: expect.objectContaining({ enabled: false }),
  },
  {
    name: "a channel",
    change: (file) => ({
      ...file,
      channels: {
        telegram: {
          botToken: telegram.token,
          apiRoot: telegram.apiRoot,
          dmPolicy: "open",
          allowFrom: ["*"],
        },
      },
    }),
    shows: async () => telegram.queue.webhook !== undefined,
    as: true,
  },
  {
    name: "another log level",
    change: (file) => ({ ...file, logging: { level: "debug" } }),
    shows: async () =>
      world.core.log.some(
        (line) => line.includes('"level":"debug"') || line.includes('"level":20'),
      ),
    as: true,
  },
  {
    name: "how often one may fail",
    change: (file) => {
      const auth = File.parse(File.parse(file["gateway"])["auth"]);
      return gatewayWith(file, {
        auth: { ...auth, rateLimit: { maxAttempts: 3, exemptLoopback: true } },
      });
    },
    shows: async () => JSON.stringify(await ask("config.get")),
    as: expect.stringContaining('"maxAttempts":3'),
  },
  {
    name: "what takes a restart",
    change: (file) => gatewayWith(file, { controlUi: { basePath: "/elsewhere" } }),
    shows: async () => world.core.log.some((line) => line.includes("gateway restarted")),
    as: true,
  },
];

function outMs(): readonly number[] {
  return world.core.log.flatMap((line) => {
    const found = /"outMs":(?<ms>\d+)/.exec(line)?.groups?.["ms"];
    return found === undefined ? [] : [Number(found)];
  });
}

/** Makes an edit, and waits until it shows and everybody has been at it again since. */
async function make({ name, change, shows, as }: Edit, tally: Tally): Promise<void> {
  const before = tally.done;
  tally.longestMs = 0;
  expect(await shows(), `before ${name}`).not.toEqual(as);
  await edit(change);
  await expect.poll(shows, { timeout: 20_000, message: name }).toEqual(as);
  await expect.poll(() => tally.done, { timeout: 20_000 }).toBeGreaterThan(before + 40);
  expect(tally.failures, name).toEqual([]);
  const took = `longest ${Math.round(tally.longestMs)} ms of ${tally.done - before}`;
  process.stderr.write(`${name}: ${took}, out of service ${outMs().join(", ")} ms\n`);
}

test("edits of every kind under load drop nothing, and count", async () => {
  const enough = new AbortController();
  const tally: Tally = { done: 0, failures: [], longestMs: 0 };
  const { token, hooksToken } = world.home;
  const aim = { token, hooksToken, signal: enough.signal, tally };
  const local: Aim = { ...aim, url: world.core.url };
  const remote: Aim = { ...aim, url: world.edge.url.href };
  const load = [
    ...Array.from({ length: CLIENTS }, (_v, at) => complete(local, `local ${at}`)),
    ...Array.from({ length: CLIENTS }, (_v, at) => complete(remote, `remote ${at}`)),
    call(local, "local"),
    call(remote, "remote"),
  ];
  const chats = [chat(local, "agent:main:local"), chat(remote, "agent:main:remote")];
  const sitting = [sit(local), sit(remote)];

  try {
    for (const one of EDITS) await make(one, tally);
  } finally {
    enough.abort();
    await Promise.allSettled([...load, ...chats, ...sitting]);
  }
  await Promise.all(load);
  const [localTexts, remoteTexts] = await Promise.all(chats);
  expect(tally.failures).toEqual([]);
  const [localCodes, remoteCodes] = await Promise.all(sitting);
  expect(localCodes).toEqual([1012]);
  expect(remoteCodes).toEqual([]);
  // What was said was said once.
  for (const [sessionKey, texts = []] of [
    ["agent:main:local", localTexts],
    ["agent:main:remote", remoteTexts],
  ] as const) {
    const history = JSON.stringify(await ask("chat.history", { sessionKey, limit: 1_000 }));
    const wrong = texts.filter((text) => history.split(`"${text}"`).length !== 2);
    expect(wrong, sessionKey).toEqual([]);
    expect(texts.length).toBeGreaterThan(5);
  }
  expect(await world.core.stop()).toBe(0);
}, 180_000);
