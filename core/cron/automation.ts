/** Everything that happens by itself: jobs, heartbeats, notes for the agent, hooks on events. */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Clock } from "../channels/clock.ts";
import type { Settings } from "../config/settings.ts";
import type { Engine } from "../conversation/engine.ts";
import { NOTE_SOURCE } from "../conversation/hook.ts";
import type { WorkHandler } from "../conversation/work.ts";
import type { EventHub } from "../methods/events.ts";
import type { Store } from "../store/store.ts";
import { heartbeatOf, MAX_CHECKLIST_UNITS } from "./heartbeat.ts";
import { InternalHooks } from "./hooks.ts";
import { noteHandler } from "./note.ts";
import type { CronParts, Happening } from "./parts.ts";
import type { Scheduler } from "./scheduler.ts";
import { SystemEvents } from "./system-events.ts";
import { watchedHub } from "./watched-hub.ts";
import type { Route, Routes } from "./target.ts";

/** Until there is something to do by the clock, this often is looked whether there is. */
const LOOK_MS = 1_000;

export interface AutomationParts {
  readonly store: Pick<Store, "cron" | "get" | "set" | "sessions">;
  /** Made after this, since it asks for notes. */
  readonly engine: () => Pick<Engine, "runs" | "tell" | "pairing">;
  readonly settings: () => Settings;
  /** Names of the channels that are set up. */
  readonly channels: () => readonly string[];
  readonly publish: (event: "cron" | "heartbeat", payload: unknown) => void;
  /** False while no job may be begun. */
  readonly mayBegin: () => boolean;
  readonly clock: Clock;
  /** Aborts when the gateway stops. */
  readonly stop: AbortSignal;
  readonly log: Logger;
}

export interface Automation {
  readonly events: SystemEvents;
  readonly hooks: InternalHooks;
  readonly routes: Routes;
  /** What the agent must know of in its next prompt: for the engine. */
  readonly systemNotes: (sessionKey: string) => Promise<readonly string[]>;
  /** Loaded when there is something to schedule, or somebody asks. */
  readonly scheduler: () => Promise<Scheduler>;
  /** Ids of agents, the default one first. */
  readonly agents: () => readonly string[];
  readonly happened: (happening: Happening) => void;
  /** For the engine. */
  readonly handlers: ReadonlyMap<string, WorkHandler>;
  /** A hub that tells hooks as well what it tells clients of sessions. */
  readonly watched: (hub: EventHub) => EventHub;
  /** Runs jobs by the clock until the gateway stops. */
  run(): Promise<void>;
}

export function createAutomation(parts: AutomationParts): Automation {
  const { store, engine, settings, publish, mayBegin, clock, stop, log } = parts;
  const events = new SystemEvents(store, clock.now);
  const routes = routesOf(parts);
  const agents = (): string[] =>
    settings()
      .agents.toSorted((a, b) => Number(b.isDefault) - Number(a.isDefault))
      .map(({ id }) => id);
  const wanted = new AbortController();
  let loaded: Promise<Scheduler> | undefined;

  const hooks = new InternalHooks({
    settings,
    runs: { start: (order) => engine().runs.start(order) },
    events,
    wake: (agentId, sessionKey) => void wake(agentId, sessionKey),
    defaultAgent: () => agents()[0] ?? "main",
    fetch: (input, init) => globalThis.fetch(input, init),
    now: clock.now,
    newId: randomUUID,
    stop,
    log: log.child({ part: "hooks" }),
  });
  const happened = (happening: Happening): void => hooks.happened(happening);

  async function wake(agentId: string, sessionKey: string): Promise<void> {
    (await scheduler()).wakeAgent(agentId, sessionKey);
  }

  function scheduler(): Promise<Scheduler> {
    loaded ??= load();
    wanted.abort();
    return loaded;
  }

  async function load(): Promise<Scheduler> {
    const { Scheduler: Made } = await import("./scheduler.ts");
    const cron: CronParts = {
      store,
      runs: engine().runs,
      tell: (notice) => engine().tell(notice),
      events,
      routes,
      settings,
      publish,
      mayBegin,
      happened,
      checklist,
      hostZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      clock,
      log: log.child({ part: "cron" }),
    };
    return new Made(cron);
  }

  async function hasJobs(): Promise<boolean> {
    const { jobs, open } = await store.cron.load();
    return jobs.length + open.length > 0;
  }

  function hasHeartbeat(): boolean {
    return agents().some((id) => heartbeatOf(settings(), id) !== undefined);
  }

  return {
    events,
    hooks,
    routes,
    agents,
    happened,
    scheduler,
    handlers: new Map([[NOTE_SOURCE, noteHandler(events, () => agents()[0] ?? "main")]]),
    watched: (hub) => watchedHub(hub, happened),
    systemNotes: (sessionKey) => events.drain(sessionKey),
    async run() {
      happened({ event: "gateway:startup", facts: {} });
      const either = AbortSignal.any([stop, wanted.signal]);
      if (!(await hasJobs())) {
        while (!either.aborted && !hasHeartbeat()) await clock.wait(LOOK_MS, either);
      }
      if (!stop.aborted) await (await scheduler()).run(stop);
      await hooks.settled();
    },
  };
}

function routesOf({ store, engine, settings, channels }: AutomationParts): Routes {
  return {
    channels,
    async last(sessionKey) {
      const session = await store.sessions.find(sessionKey);
      const { origin } = session ?? {};
      const isThere = origin !== undefined && channels().includes(origin.channel);
      return isThere ? { channel: origin.channel, to: origin.conversation } : undefined;
    },
    owner: () => ownerOf(settings(), channels(), engine()),
  };
}

/** Whoever is named first in the config, or was let in first. */
async function ownerOf(
  { config }: Settings,
  channels: readonly string[],
  { pairing }: Pick<Engine, "pairing">,
): Promise<Route | undefined> {
  const { telegram } = config.channels;
  const named = telegram?.allowFrom.find((id) => id !== "*");
  if (named !== undefined && channels.includes("telegram")) {
    return { channel: "telegram", to: named };
  }
  for (const channel of channels) {
    const [first] = await pairing.approved(channel);
    if (first !== undefined) return { channel, to: first.sender };
  }
  return undefined;
}

async function checklist(workspace: string): Promise<string> {
  try {
    const text = await readFile(join(workspace, "HEARTBEAT.md"), "utf8");
    return text.slice(0, MAX_CHECKLIST_UNITS);
  } catch (error) {
    // Most have none.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
