import { expect } from "vitest";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "./core.ts";
import { type RunningEdge, startEdge } from "./edge.ts";
import { type FakeModel, reply } from "./fake-model.ts";
import { startFakeOpenAi } from "./fake-openai.ts";
import type { Heard } from "./gateway-process.ts";
import { connectReference, type ReferenceClient } from "./reference-client.ts";
import { eventually } from "./until.ts";

/** As the command line of somebody who has the token. */
const OWNER = {
  clientName: "cli",
  mode: "cli",
  clientVersion: "1",
  platform: "linux",
} as const;

const ENDS: ReadonlySet<string> = new Set(["final", "error", "aborted"]);
const Final = z.object({
  message: z.object({ content: z.tuple([z.object({ text: z.string() })], z.unknown()) }),
});
const History = z.object({
  messages: z.array(
    z.object({
      role: z.string(),
      content: z.union([z.string(), z.array(z.object({ text: z.string() }))]),
    }),
  ),
});

/** What a world of its own may be given. */
export interface EdgeChatOptions {
  /** Of the core, beside what it needs to run. */
  readonly config?: object;
  /** Of the core; default: the key and the address of the model. */
  readonly env?: (model: FakeModel) => Record<string, string>;
  /** The only key that the model's vendor knows; undefined: all. */
  readonly apiKey?: string;
  /** One line that the Worker or the relay logged. */
  readonly onLine?: (line: string) => void;
}

/**
 * The whole product, and the published client at its edge: one connection, which stays whatever
 * becomes of the core.
 */
export interface EdgeChat extends AsyncDisposable {
  readonly model: FakeModel;
  readonly home: CoreHome;
  readonly edge: RunningEdge;
  /** The one that runs now. */
  readonly core: CoreProcess;
  readonly line: ReferenceClient;
  /** What that client was told unasked. */
  readonly heard: Heard[];
  /** Another one, at the core's own port. */
  direct(): Promise<ReferenceClient>;
  request(method: string, params?: object): Promise<unknown>;
  /** `chat.send`. */
  send(sessionKey: string, message: string, runId: string, more?: object): Promise<unknown>;
  /** Sends it, and gives the words of the answer. */
  say(sessionKey: string, message: string): Promise<string>;
  /** Events `chat` of a run that say how it ended. */
  ends(runId: string): Heard["payload"][];
  /** The first of them. */
  ended(runId: string): Promise<Heard["payload"]>;
  /** Role and words of what is kept of a session, oldest first. */
  history(sessionKey: string): Promise<(readonly [role: string, text: string])[]>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Another process with the same state; resolves when the edge has it. */
  start(): Promise<void>;
}

export async function startEdgeChat(options: EdgeChatOptions = {}): Promise<EdgeChat> {
  await using parts = new AsyncDisposableStack();
  const { config = {}, apiKey, onLine = () => undefined } = options;
  const pairing = randomToken();
  const bindings = { PAIRING_SECRET: pairing };
  const edge = parts.use(await startEdge({ bindings, onLine }));
  const model = parts.use(await startFakeOpenAi(apiKey === undefined ? {} : { apiKey }));
  model.always(reply((said) => `You said ${said}`));
  const env = options.env?.(model) ?? {
    OPENAI_API_KEY: "sk-test",
    OPENAI_BASE_URL: model.baseUrl,
  };
  const home = parts.use(await createHome(edge, pairing, config, env));
  let core = await startCore(home, edge);
  parts.defer(() => core.kill());
  const heard: Heard[] = [];
  const connect = (base: URL | string): Promise<ReferenceClient> =>
    connectReference({
      ...OWNER,
      scopes: ["operator.admin"],
      url: new URL("/gateway", base).href.replace("http", "ws"),
      token: home.token,
      onEvent({ event, payload }) {
        heard.push({ event, payload: z.looseObject({}).catch({}).parse(payload) });
      },
    });
  const line = parts.use(await connect(edge.url));
  const all = parts.move();
  const request = (method: string, params: object = {}): Promise<unknown> =>
    line.client.request(method, params);
  const send = (
    sessionKey: string,
    message: string,
    idempotencyKey: string,
    more = {},
  ): Promise<unknown> => request("chat.send", { sessionKey, message, idempotencyKey, ...more });
  const ends = (runId: string): Heard["payload"][] =>
    heard.flatMap(({ event, payload }) =>
      event === "chat" && payload["runId"] === runId && ENDS.has(String(payload["state"]))
        ? [payload]
        : [],
    );
  const ended = (runId: string): Promise<Heard["payload"]> =>
    eventually(() => {
      const [first] = ends(runId);
      if (first === undefined) throw new Error(`${runId} goes on`);
      return first;
    });
  return {
    model,
    home,
    edge,
    get core() {
      return core;
    },
    line,
    heard,
    direct: () => connect(core.url),
    request,
    send,
    async say(sessionKey, message) {
      const runId = crypto.randomUUID();
      expect(await send(sessionKey, message, runId)).toMatchObject({ runId });
      return Final.parse(await ended(runId)).message.content[0].text;
    },
    ends,
    ended,
    async history(sessionKey) {
      const { messages } = History.parse(await request("chat.history", { sessionKey }));
      return messages.map(({ role, content }) => [
        role,
        typeof content === "string" ? content : content.map(({ text }) => text).join(""),
      ]);
    },
    kill: () => core.kill(),
    async start() {
      core = await startCore(home, edge);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
