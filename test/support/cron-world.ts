import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { ConfigSchema } from "../../core/config/schema.ts";
import type { Notice } from "../../core/conversation/engine.ts";
import type { RunOrder, RunState } from "../../core/conversation/run.ts";
import type { CronParts, Happening } from "../../core/cron/parts.ts";
import { Scheduler } from "../../core/cron/scheduler.ts";
import { SystemEvents } from "../../core/cron/system-events.ts";
import type { Route } from "../../core/cron/target.ts";
import type { CronClaim, CronStore } from "../../core/store/cron.ts";
import type { CronJob, CronRunRecord } from "../../core/store/cron-job.ts";
import { openSqliteStore } from "../../core/store/sqlite/open.ts";
import type { Store } from "../../core/store/store.ts";
import { ManualClock } from "./clock.ts";

/** How a run ends; undefined: it goes on. */
export type Ending = (order: RunOrder) => Pick<RunState, "status" | "text" | "error"> | undefined;

const NO_LUCK = (): number => 0;
const OK: Ending = ({ message }) => ({ status: "ok", text: `done: ${message}`, error: undefined });

export interface CronWorld extends AsyncDisposable {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly scheduler: Scheduler;
  /** Runs that were begun, each once: the memory of the inbox, which outlives processes. */
  readonly begun: ReadonlyMap<string, RunOrder>;
  readonly told: ReadonlyMap<string, Notice>;
  readonly published: { readonly event: string; readonly payload: unknown }[];
  readonly happened: Happening[];
  readonly routes: { last: Route | undefined; owner: Route | undefined };
  ending: Ending;
  checklist: string;
  /** True: no job may be begun. */
  isHeld: boolean;
  configure(config: object): void;
  /** Moves time, and settles when what was due then has been done. */
  pass(ms: number): Promise<void>;
  /** Settles when nothing is due and nothing runs. */
  quiet(): Promise<void>;
  /**
   * The process is killed within its next calls of the store, and another one takes over.
   *
   * @param after - So many calls come to an end; the next does its work or not, and nobody hears of it.
   */
  killAfter(after: number, random: () => number): void;
  /** A process that ends in order, and its successor. */
  restart(): Promise<void>;
  records(jobId: string): Promise<{ claim: CronClaim; record: CronRunRecord }[]>;
}

/** A scheduler on a real store and a clock that tests move. */
export async function cronWorld(config: object = {}, startAt?: number): Promise<CronWorld> {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-cron-"));
  const clock = new ManualClock(startAt);
  const store = await openSqliteStore({ stateDir: dir, now: clock.now });
  const begun = new Map<string, RunOrder>();
  const told = new Map<string, Notice>();
  const published: CronWorld["published"] = [];
  const happened: Happening[] = [];
  const routes: CronWorld["routes"] = { last: undefined, owner: undefined };
  let settings = settingsOf(config);
  let life = live();
  let deaths = Infinity;
  let random = NO_LUCK;

  const world: CronWorld = {
    store,
    clock,
    get scheduler() {
      return life.scheduler;
    },
    begun,
    told,
    published,
    happened,
    routes,
    ending: OK,
    checklist: "",
    isHeld: false,
    configure: (next) => void (settings = settingsOf(next)),
    async pass(ms) {
      clock.advance(ms);
      await world.quiet();
    },
    quiet,
    killAfter(after, draw) {
      deaths = after;
      random = draw;
    },
    async restart() {
      life.stop.abort();
      await life.over;
      life = live();
    },
    records: async (jobId) => {
      const { runs } = await store.cron.runs({ jobId, limit: 100_000, offset: 0, sortDir: "asc" });
      return [...runs];
    },
    async [Symbol.asyncDispose]() {
      life.stop.abort();
      await life.over;
      await store[Symbol.asyncDispose]();
      await rm(dir, { recursive: true });
    },
  };
  return world;

  function live() {
    const stop = new AbortController();
    const mine = { dead: false };
    const mortal = <T>(work: () => Promise<T>): Promise<T> => {
      if (mine.dead) return new Promise(() => undefined);
      deaths -= 1;
      if (deaths >= 0) return work();
      mine.dead = true;
      deaths = Infinity;
      stop.abort();
      const last = random() < 0.5 ? work() : Promise.resolve();
      void last.then(() => (life = live()));
      return new Promise(() => undefined);
    };
    const cron: CronStore = {
      load: () => mortal(() => store.cron.load()),
      save: (job) => mortal(() => store.cron.save(job)),
      remove: (id) => mortal(() => store.cron.remove(id)),
      claim: (claim, job) => mortal(() => store.cron.claim(claim, job)),
      finish: (claim, record, job) => mortal(() => store.cron.finish(claim, record, job)),
      runs: (filter) => store.cron.runs(filter),
      scratch: (id) => store.cron.scratch(id),
      setScratch: (id, content, now) => store.cron.setScratch(id, content, now),
    };
    const parts: CronParts = {
      store: { cron, get: (key) => store.get(key), set: (key, value) => store.set(key, value) },
      runs: {
        start: (order) =>
          mortal(async () => {
            const fresh = !begun.has(order.id);
            if (fresh) begun.set(order.id, order);
            return { fresh, run: stateOf(order) };
          }),
        wait: (id) =>
          mortal(async () => {
            await new Promise((resolve) => setImmediate(resolve));
            const order = begun.get(id);
            return order && stateOf(order);
          }),
        active: () => [],
      },
      tell: (notice) =>
        mortal(async () => {
          told.set(notice.id, notice);
          return true;
        }),
      events: new SystemEvents(store, clock.now),
      routes: {
        last: async () => routes.last,
        owner: async () => routes.owner,
        channels: () => ["telegram"],
      },
      settings: () => settings,
      mayBegin: () => !world.isHeld,
      publish: (event, payload) => void published.push({ event, payload }),
      happened: (one) => void happened.push(one),
      checklist: async () => world.checklist,
      hostZone: "UTC",
      clock,
      log: pino({ level: "silent" }),
    };
    const scheduler = new Scheduler(parts);
    return { stop, scheduler, mine, over: scheduler.run(stop.signal) };
  }

  function stateOf(order: RunOrder): RunState {
    const end = world.ending(order);
    return {
      id: order.id,
      kind: order.kind,
      question: order.message,
      sessionKey: order.sessionKey,
      agentId: "main",
      acceptedAt: clock.now(),
      startedAt: clock.now(),
      endedAt: end === undefined ? undefined : clock.now(),
      status: end?.status ?? "running",
      text: end?.text ?? "",
      stop: end === undefined ? undefined : "end",
      error: end?.error,
      usage: { inputTokens: 1, outputTokens: 2 },
      model: "demo/echo",
    };
  }

  async function quiet(): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (life.mine.dead) continue;
      const { jobs, open } = await store.cron.load();
      if (world.isHeld) return;
      if (open.length === 0 && !jobs.some((job) => isDue(job, clock.now()))) return;
      clock.advance(0);
    }
  }
}

function isDue({ definition, state }: CronJob, now: number): boolean {
  return definition.enabled && (state.nextRunAtMs ?? Infinity) <= now;
}

function settingsOf(config: object) {
  const parsed = ConfigSchema.parse(config);
  const agents = [
    {
      id: "main",
      isDefault: true,
      name: undefined,
      identity: {},
      workspace: "/nowhere",
      modelRefs: ["demo/echo"] as const,
      hasOwnModel: false,
      toolPolicies: [],
      skills: undefined,
      promptLimits: { maxChars: 20_000, maxTotalChars: 60_000, maxSkillsChars: 18_000 },
      systemPromptOverride: undefined,
    },
  ] satisfies CronParts["settings"] extends () => { agents: infer A } ? A : never;
  return { config: parsed, agents };
}
