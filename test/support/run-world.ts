import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import type { Channel } from "../../core/channels/channel.ts";
import { systemClock } from "../../core/channels/clock.ts";
import { type Engine, startEngine } from "../../core/conversation/engine.ts";
import { QUEUE_DEFAULTS, type QueueConfig } from "../../core/conversation/queue.ts";
import type { RunEvent, RunOrder } from "../../core/conversation/run.ts";
import type { Tool } from "../../core/agents/tool.ts";
import { openSqliteStore } from "../../core/store/sqlite/open.ts";
import type { Store } from "../../core/store/store.ts";
import { ScriptedModel } from "./scripted-model.ts";

/** An engine on a state of its own, with a model whose answers a test writes. */
export interface RunWorld extends AsyncDisposable {
  readonly engine: Engine;
  readonly store: Store;
  readonly model: ScriptedModel;
  /** Models that were asked for, turn by turn; undefined: the agent's own. */
  readonly asked: (string | undefined)[];
  /** All that happened to runs, in order. */
  readonly events: RunEvent[];
  order(id: string, more?: Partial<RunOrder>): RunOrder;
  /** Settles when something that fits has happened to a run. */
  until(fits: (event: RunEvent) => boolean): Promise<RunEvent>;
  texts(sessionKey?: string): Promise<string[]>;
  /** Another process takes over what this one has left in the store. */
  restart(drainMs?: number): Promise<void>;
}

export const MAIN = "agent:main:main";

export async function runWorld(
  parts: {
    readonly tools?: readonly Tool[];
    readonly channel?: (id: string) => Channel | undefined;
    readonly systemNotes?: (sessionKey: string) => Promise<readonly string[]>;
    readonly mayBegin?: () => boolean;
    readonly queue?: Partial<QueueConfig>;
  } = {},
): Promise<RunWorld> {
  const stateDir = mkdtempSync(join(tmpdir(), "sallyport-runs-"));
  const model = new ScriptedModel();
  const asked: (string | undefined)[] = [];
  const events: RunEvent[] = [];
  const waiting = new Set<() => void>();
  let store = await openSqliteStore({ stateDir, now: systemClock.now });
  let engine = begin();

  function begin(): Engine {
    const started = startEngine({
      store,
      agent(_agentId, wanted) {
        asked.push(wanted);
        return { models: [model], tools: parts.tools ?? [], system: "" };
      },
      channel: parts.channel ?? (() => undefined),
      systemNotes: parts.systemNotes,
      mayBegin: parts.mayBegin,
      queue: () => ({ ...QUEUE_DEFAULTS, ...parts.queue }),
      access: () => ({
        dmPolicy: "open",
        allowFrom: ["*"],
        groupPolicy: "disabled",
        groupAllowFrom: [],
      }),
      route: () => ({ agent: "main", dmScope: "main" }),
      clock: systemClock,
      random: () => 0,
      log: pino({ level: "silent" }),
    });
    started.runs.watch((event) => {
      events.push(event);
      for (const look of waiting) look();
    });
    return started;
  }

  return {
    get engine() {
      return engine;
    },
    get store() {
      return store;
    },
    model,
    asked,
    events,
    order: (id, more = {}) => ({
      id,
      kind: "chat",
      sessionKey: MAIN,
      message: `ask ${id}`,
      ...more,
    }),
    async until(fits) {
      const { promise, resolve } = Promise.withResolvers<RunEvent>();
      const look = (): void => {
        const found = events.find(fits);
        if (found !== undefined) resolve(found);
      };
      waiting.add(look);
      look();
      const found = await promise;
      waiting.delete(look);
      return found;
    },
    texts: async (key = MAIN) => (await store.history(key, 100)).map(({ message }) => message.text),
    async restart(drainMs = 0) {
      await engine.drain(drainMs);
      await store[Symbol.asyncDispose]();
      store = await openSqliteStore({ stateDir, now: systemClock.now });
      engine = begin();
    },
    async [Symbol.asyncDispose]() {
      await engine.drain(0);
      await store[Symbol.asyncDispose]();
      rmSync(stateDir, { recursive: true });
    },
  };
}
