import type { TSchema } from "typebox";
import { Check, Errors } from "typebox/value";
import { expect } from "vitest";
import * as z from "zod";
import { type FakeModel, reply } from "./fake-model.ts";
import { startFakeOpenAi } from "./fake-openai.ts";
import { type GatewayProcess, type Heard, startGatewayProcess } from "./gateway-process.ts";
import type { ReferenceClient } from "./reference-client.ts";
import { eventually } from "./until.ts";

/** How long a word takes: slow enough for somebody to come in between. */
export const SLOW = { wordDelayMs: 40 } as const;

/** The real gateway with a model that follows a script, and the published client talking to it. */
export interface ChatWorld extends AsyncDisposable {
  readonly model: FakeModel;
  readonly gateway: GatewayProcess;
  /** What the client has been told unasked. */
  readonly heard: Heard[];
  /** Of the test under way. */
  readonly key: string;
  /** Another session, and a model that repeats. */
  begin(): void;
  request(method: string, params: object, how?: object): Promise<unknown>;
  send(message: string, idempotencyKey: string, more?: object): Promise<unknown>;
  /** Events `chat` of a run. */
  chats(runId: string): Heard["payload"][];
  /** The first of them in one of these states. */
  ended(runId: string, ...states: string[]): Promise<Heard["payload"]>;
  /** What the model was sent last, as text. */
  sentLast(): string;
  /** SIGKILL, and another process with another connection. */
  killAndRestart(): Promise<void>;
}

export async function startChatWorld(): Promise<ChatWorld> {
  const model = await startFakeOpenAi();
  const gateway = await startGatewayProcess({
    OPENAI_API_KEY: "sk-test",
    OPENAI_BASE_URL: model.baseUrl,
  });
  const heard: Heard[] = [];
  let line: ReferenceClient = await gateway.connect(heard);
  let key = "";
  const request = (method: string, params: object, how: object = {}): Promise<unknown> =>
    line.client.request(method, params, how);
  const chats = (runId: string): Heard["payload"][] =>
    heard.flatMap(({ event, payload }) =>
      event === "chat" && payload["runId"] === runId ? [payload] : [],
    );
  return {
    model,
    gateway,
    heard,
    get key() {
      return key;
    },
    begin() {
      key = `agent:main:test-${crypto.randomUUID()}`;
      heard.length = 0;
      model.always(reply((said) => `You said ${said}`));
    },
    request,
    send: (message, idempotencyKey, more = {}) =>
      request("chat.send", { sessionKey: key, message, idempotencyKey, ...more }),
    chats,
    ended: (runId, ...states) =>
      eventually(() => {
        const last = chats(runId).find(({ state }) => states.includes(String(state)));
        if (last === undefined) throw new Error("not yet");
        return last;
      }),
    sentLast: () => JSON.stringify(model.requests.at(-1) ?? {}),
    async killAndRestart() {
      await line[Symbol.asyncDispose]();
      await gateway.killAndRestart();
      line = await gateway.connect(heard);
    },
    async [Symbol.asyncDispose]() {
      await line[Symbol.asyncDispose]();
      await gateway[Symbol.asyncDispose]();
      await model[Symbol.asyncDispose]();
    },
  };
}

/** Checks a shape against the published schemas. */
export function mustFit(schema: TSchema, value: unknown): void {
  const faults = [...Errors(schema, value)].map((fault) => JSON.stringify(fault).slice(0, 300));
  expect(faults.slice(0, 3)).toEqual([]);
  expect(Check(schema, value)).toBe(true);
}

/** What tests read in answers. */
export const Facts = z.object({
  key: z.string().default(""),
  runId: z.string().default(""),
  deltaCursor: z.string().default(""),
  sessions: z.array(z.unknown()).default([]),
  messages: z
    .array(
      z
        .object({
          content: z.union([z.string(), z.array(z.object({ text: z.string() }))]),
          __openclaw: z.object({ id: z.string() }),
        })
        .transform(({ content, __openclaw: { id } }) => ({ content, id })),
    )
    .default([]),
});

export function texts(history: unknown): string[] {
  return Facts.parse(history).messages.flatMap(({ content }) =>
    typeof content === "string" ? [content] : content.map(({ text }) => text),
  );
}
