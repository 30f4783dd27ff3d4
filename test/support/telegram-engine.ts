import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino, { type Logger } from "pino";
import type { AccessPolicy } from "../../core/channels/allow-list.ts";
import type { Outlet } from "../../core/channels/channel.ts";
import { systemClock } from "../../core/channels/clock.ts";
import type { Clock } from "../../core/channels/clock.ts";
import { createChannels } from "../../core/channels/registry.ts";
import { type EngineParts, startEngine } from "../../core/conversation/engine.ts";
import type { RouteSettings } from "../../core/conversation/route.ts";
import type { WorkHandler } from "../../core/conversation/work.ts";
import { openSqliteStore } from "../../core/store/sqlite/open.ts";
import type { Store } from "../../core/store/store.ts";
import { Secret } from "../../shared/secret.ts";
import { TestContext } from "../contract/channel.ts";
import { startFakeTelegram } from "./fake-telegram.ts";
import { ScriptedModel } from "./scripted-model.ts";

export const EVERYBODY: AccessPolicy = {
  dmPolicy: "open",
  allowFrom: ["*"],
  groupPolicy: "open",
  groupAllowFrom: [],
};

export interface TelegramEngineOptions {
  readonly clock?: Clock;
  readonly access?: AccessPolicy;
  readonly dmScope?: RouteSettings["dmScope"];
  readonly system?: string;
  /** In place of one that has the scripted model alone. */
  readonly agent?: (model: ScriptedModel) => EngineParts["agent"];
  /** Stands between the engine and its store, to look or to fail. */
  readonly wrapStore?: (store: Store) => Store;
  /** Ways back to senders of webhooks, by scheme. */
  readonly senders?: (store: Store) => ReadonlyMap<string, Outlet>;
  /** For work that is no turn, by its source. */
  readonly handlers?: (store: Store, log: Logger) => ReadonlyMap<string, WorkHandler>;
}

/** A bot that polls a fake Telegram, the real store in a folder of its own, and a scripted model. */
export async function startTelegramEngine(options: TelegramEngineOptions = {}) {
  const { clock = systemClock, access = EVERYBODY, dmScope = "per-channel-peer" } = options;
  const stateDir = mkdtempSync(join(tmpdir(), "sallyport-"));
  const fake = await startFakeTelegram();
  const model = new ScriptedModel();
  const lines: string[] = [];
  const log = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
  const opened = await openSqliteStore({ stateDir, now: clock.now });
  const store = options.wrapStore?.(opened) ?? opened;
  const parts = { log, clock, random: () => 0 };
  const telegram = { botToken: new Secret(fake.token), apiRoot: fake.apiRoot };
  // The channel keeps the time of the wall: these tests are about what happens behind it.
  const channels = await createChannels({ telegram }, { ...parts, clock: systemClock });
  const engine = startEngine({
    ...parts,
    store,
    agent:
      options.agent?.(model) ??
      (() => ({ models: [model], tools: [], system: options.system ?? "" })),
    channel: (id) => channels.find((channel) => channel.id === id),
    access: () => access,
    route: () => ({ agent: "main", dmScope }),
    senders: options.senders?.(store),
    handlers: options.handlers?.(store, log),
  });
  const context = new TestContext();
  const stop = new AbortController();
  const receiving = Promise.all(
    channels.map((channel) =>
      channel.run(
        {
          keep: async (event) => (await engine.accept(channel.id, [event])) > 0,
          webhookBase: context.webhookBase,
          onWebhookBaseChange: context.onWebhookBaseChange,
        },
        stop.signal,
      ),
    ),
  );
  return {
    fake,
    channel: (id: string) => channels.find((channel) => channel.id === id),
    log,
    model,
    store,
    engine,
    context,
    stateDir,
    logged: () => lines.join(""),
    /** What `chat` was told, in order. */
    told: (chat: number) =>
      fake.sent.filter((sent) => sent.chat === String(chat)).map(({ text }) => text),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await receiving;
      await engine.drain(0);
      await store[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
      rmSync(stateDir, { recursive: true });
    },
  };
}
