/**
 * A core reduced to one bot, as a process that a test can kill: polls the Bot API server at
 * `argv[3]`, keeps its state in `argv[2]`, and repeats what it is told. With `hang` as `argv[4]`
 * its model never answers; with `collect` messages that waited are one turn; with `steer` its model
 * calls a tool in every turn but those that have heard enough.
 */
import pino from "pino";
import { systemClock } from "../../core/channels/clock.ts";
import { createChannels } from "../../core/channels/registry.ts";
import { startEngine } from "../../core/conversation/engine.ts";
import { QUEUE_DEFAULTS } from "../../core/conversation/queue.ts";
import type { Tool } from "../../core/agents/tool.ts";
import type { Message } from "../../core/store/message.ts";
import { openSqliteStore } from "../../core/store/sqlite/open.ts";
import { Secret } from "../../shared/secret.ts";
import { BOT } from "./telegram-updates.ts";
import { type Script, ScriptedModel, waitsFor } from "./scripted-model.ts";

const [, , stateDir = "", apiRoot = "", mode = ""] = process.argv;
const parts = { log: pino({ level: "warn" }), clock: systemClock, random: () => 0 };
const store = await openSqliteStore({ stateDir, now: systemClock.now });
const model = new ScriptedModel();
if (mode === "hang") {
  const never = new Promise<void>(() => undefined);
  model.next(...Array.from({ length: 100 }, () => waitsFor(never)));
}
const tool: Tool = {
  spec: { name: "look", description: "", parameters: {} },
  async run() {
    // Whatever has arrived gets its turn.
    await new Promise((resolve) => setImmediate(resolve));
    return "seen";
  },
};
const look: Script = async function* (request) {
  const last = request.messages.at(-1);
  if (last?.role === "user" && request.messages.at(-2)?.role !== "tool") {
    const id = crypto.randomUUID();
    yield { type: "tool_call", call: { id, name: "look", input: "{}" } };
    yield { type: "done", stop: "tool_calls", usage: { inputTokens: 1, outputTokens: 1 } };
    return;
  }
  const asked = request.messages.slice(request.messages.findLastIndex(isAnswer) + 1);
  const said = asked.flatMap(({ role, text }) => (role === "user" ? [text] : []));
  yield { type: "text", delta: said.join(" ") };
  yield { type: "done", stop: "end", usage: { inputTokens: 1, outputTokens: 1 } };
};
if (mode === "steer") model.next(...Array.from({ length: 1_000 }, () => look));

/** What ended a turn: an answer that called nothing. */
function isAnswer(message: Message): boolean {
  return message.role === "assistant" && message.toolCalls.length === 0;
}

const botToken = new Secret(`${BOT.id}:AAF-fake-bot-token-for-tests_0123456`);
const [telegram] = await createChannels({ telegram: { botToken, apiRoot } }, parts);
const engine = startEngine({
  ...parts,
  store,
  agent: () => ({ models: [model], tools: mode === "steer" ? [tool] : [], system: "" }),
  queue: () => ({
    ...QUEUE_DEFAULTS,
    mode: mode === "collect" ? "collect" : "steer",
    debounceMs: 0,
    cap: 100,
  }),
  channel: (id) => (id === telegram?.id ? telegram : undefined),
  access: () => ({
    dmPolicy: "open",
    allowFrom: ["*"],
    groupPolicy: "disabled",
    groupAllowFrom: [],
  }),
  route: () => ({ agent: "main", dmScope: "per-channel-peer" }),
});
await telegram?.run(
  {
    keep: async (event) => (await engine.accept("telegram", [event])) > 0,
    webhookBase: () => undefined,
    onWebhookBaseChange: () => undefined,
  },
  new AbortController().signal,
);
