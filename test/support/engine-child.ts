/**
 * A core reduced to one bot, as a process that a test can kill: polls the Bot API server at
 * `argv[3]`, keeps its state in `argv[2]`, and repeats what it is told. With `hang` as `argv[4]`
 * its model never answers.
 */
import pino from "pino";
import { systemClock } from "../../core/channels/clock.ts";
import { createChannels } from "../../core/channels/registry.ts";
import { startEngine } from "../../core/conversation/engine.ts";
import { openSqliteStore } from "../../core/store/sqlite/open.ts";
import { Secret } from "../../shared/secret.ts";
import { BOT } from "./telegram-updates.ts";
import { ScriptedModel, waitsFor } from "./scripted-model.ts";

const [, , stateDir = "", apiRoot = "", mode = ""] = process.argv;
const parts = { log: pino({ level: "warn" }), clock: systemClock, random: () => 0 };
const store = await openSqliteStore({ stateDir, now: systemClock.now });
const model = new ScriptedModel();
if (mode === "hang") {
  const never = new Promise<void>(() => undefined);
  model.next(...Array.from({ length: 100 }, () => waitsFor(never)));
}
const botToken = new Secret(`${BOT.id}:AAF-fake-bot-token-for-tests_0123456`);
const [telegram] = await createChannels({ telegram: { botToken, apiRoot } }, parts);
const engine = startEngine({
  ...parts,
  store,
  agent: () => ({ models: [model], tools: [], system: "" }),
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
