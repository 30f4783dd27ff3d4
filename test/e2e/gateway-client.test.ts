/** The published client, unchanged: it pairs, chats, comes back after a crash, and loses its token. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import type { Door } from "../support/access-rules.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { type FakeModel, reply } from "../support/fake-model.ts";
import { startFakeOpenAi } from "../support/fake-openai.ts";
import { freePort } from "../support/free-port.ts";
import {
  connectReference,
  createReferenceHost,
  type ReferenceClient,
  type ReferenceHost,
} from "../support/reference-client.ts";

const MAIN = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));
const SCOPES = ["operator.read", "operator.write"];
const run = promisify(execFile);
const parts = new AsyncDisposableStack();
let edge: RunningEdge;
let model: FakeModel;
let home: CoreHome;
let core: CoreProcess;
let token: string;

beforeAll(async () => {
  const pairing = randomToken();
  token = randomToken();
  edge = parts.use(await startEdge({ bindings: { PAIRING_SECRET: pairing } }));
  model = parts.use(await startFakeOpenAi());
  model.always(reply((said) => `You said ${said}, and I say so`, { wordDelayMs: 20 }));
  // Nobody is paired without a word, however near he is.
  const gateway = { auth: { token }, nodes: { pairing: { autoApproveLocal: false } } };
  const env = {
    OPENCLAW_GATEWAY_PORT: String(await freePort()),
    OPENAI_API_KEY: "sk-test",
    OPENAI_BASE_URL: model.baseUrl,
  };
  home = { ...parts.use(await createHome(edge, pairing, { gateway }, env)), token };
  core = await startCore(home, edge);
  parts.defer(() => core.kill());
});
afterAll(() => parts.disposeAsync());

type Heard = (event: { readonly event: string; readonly payload?: unknown }) => void;

function enter(
  door: Door,
  host: ReferenceHost,
  shown: { readonly token?: string; readonly onEvent?: Heard },
): Promise<ReferenceClient> {
  const base = door === "the edge" ? edge.url : new URL(core.url);
  return connectReference({
    url: new URL("/gateway", base).href.replace("http", "ws"),
    clientName: "openclaw-tui",
    mode: "ui",
    clientVersion: "1",
    platform: "linux",
    scopes: SCOPES,
    ...host.options,
    ...shown,
  });
}

const Asked = z.object({ details: z.object({ requestId: z.string() }) });

/** Asks to be let in, and is told the number of its request. */
async function ask(door: Door, host: ReferenceHost): Promise<string> {
  const refusal: unknown = await enter(door, host, { token }).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refusal).toMatchObject({ details: { code: "PAIRING_REQUIRED" } });
  return Asked.parse(refusal).details.requestId;
}

/** Our own command line, at the machine of the gateway. */
async function ours(...args: string[]): Promise<unknown> {
  const { stdout } = await run(process.execPath, [MAIN, ...args, "--json"], {
    env: { ...home.env, OPENCLAW_GATEWAY_TOKEN: token, OPENCLAW_GATEWAY_URL: core.url },
    cwd: home.dir,
  });
  return JSON.parse(stdout);
}

async function owner(method: string, params: object): Promise<unknown> {
  await using line = await connectReference({
    url: core.url.replace("http", "ws"),
    token,
    scopes: ["operator.admin"],
  });
  return await line.client.request(method, params);
}

/** By either of the ways there are. */
const APPROVALS: Readonly<Record<Door, (requestId: string) => Promise<unknown>>> = {
  "the core's own port": (requestId) => ours("devices", "approve", requestId),
  "the edge": (requestId) => owner("device.pair.approve", { requestId }),
};

const Chat = z.object({
  runId: z.string(),
  state: z.string(),
  deltaText: z.string().default(""),
  message: z.unknown(),
});

test.each(["the core's own port", "the edge"] as const)(
  "a device pairs at %s, chats, comes back after a crash, and goes when its token does",
  async (door) => {
    const host = createReferenceHost();
    const requestId = await ask(door, host);
    // Asking again is the same request.
    expect(await ask(door, host)).toBe(requestId);
    await APPROVALS[door](requestId);

    const chats: z.output<typeof Chat>[] = [];
    const onEvent: Heard = ({ event, payload }) => {
      if (event === "chat") chats.push(Chat.parse(payload));
    };
    await using session = await enter(door, host, { token, onEvent });
    expect(session.hello.auth).toMatchObject({ role: "operator", scopes: SCOPES });
    const { client } = session;

    const sessionKey = `agent:main:of-${host.deviceId.slice(0, 8)}`;
    const told = { sessionKey, message: "a few words", idempotencyKey: `${door}-1` };
    expect(await client.request("chat.send", told)).toMatchObject({ status: "started" });
    await expect.poll(() => chats.at(-1)?.state).toBe("final");
    const deltas = chats.filter(({ state }) => state === "delta");
    expect(deltas.length).toBeGreaterThan(1);
    const said = "You said a few words, and I say so";
    expect(deltas.map(({ deltaText }) => deltaText).join("")).toBe(said);
    expect(JSON.stringify(chats.at(-1)?.message)).toContain(said);

    const history = JSON.stringify(await client.request("chat.history", { sessionKey, limit: 5 }));
    expect(history).toContain(said);
    const sessions = await client.request("sessions.list", {});
    expect(JSON.stringify(sessions)).toContain(sessionKey);
    await expect(client.request("config.set", { raw: "{}" })).rejects.toThrow("missing scope");

    await core.kill();
    core = await startCore(home, edge);
    // By itself: the client is the same.
    await expect
      .poll(() => client.request("chat.history", { sessionKey, limit: 5 }).catch(String), {
        timeout: 30_000,
      })
      .toMatchObject({ messages: expect.arrayContaining([expect.anything()]) });
    const again = { ...told, message: "and a few more", idempotencyKey: `${door}-2` };
    await client.request("chat.send", again);
    await expect
      .poll(() => chats.find(({ state, runId }) => state === "final" && runId === `${door}-2`), {
        timeout: 20_000,
      })
      .toBeDefined();
  },
  120_000,
);

test.each(["the core's own port", "the edge"] as const)(
  "a token that was changed or taken back opens nothing any more at %s",
  async (door) => {
    const host = createReferenceHost();
    await APPROVALS[door](await ask(door, host));
    const first = await enter(door, host, { token });
    await first[Symbol.asyncDispose]();
    const before = host.tokens.get("operator");
    expect(before?.token).toMatch(/^[\w-]{43}$/);
    // Of its own it needs nothing else, …
    const own = await enter(door, host, {});
    const device = { deviceId: host.deviceId, role: "operator" };
    const rotated = await owner("device.token.rotate", device);
    expect(JSON.stringify(rotated)).not.toContain(before?.token);
    // … until it is another one, which only who knows more than the old one is given.
    expect((await own.closed).code).toBeGreaterThanOrEqual(1008);
    await own[Symbol.asyncDispose]();
    if (before !== undefined) host.tokens.set("operator", before);
    await expect(enter(door, host, {})).rejects.toMatchObject({
      details: { code: expect.stringMatching(/^AUTH_(DEVICE_)?TOKEN_MISMATCH$/) },
    });
    const renewed = await enter(door, host, { token });
    await renewed[Symbol.asyncDispose]();
    const after = host.tokens.get("operator");
    expect(after?.token).not.toBe(before?.token);

    await owner("device.token.revoke", device);
    if (after !== undefined) host.tokens.set("operator", after);
    await expect(enter(door, host, {})).rejects.toMatchObject({
      details: { code: expect.stringMatching(/^AUTH_(DEVICE_)?TOKEN_MISMATCH$/) },
    });
  },
);
