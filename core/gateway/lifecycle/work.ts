import { Bell } from "../../conversation/bell.ts";
import type { RunEvent, RunState, Runs } from "../../conversation/run.ts";
import type { Blocker } from "../../methods/system/suspension.ts";
import { type Job, UnderWay } from "./under-way.ts";

/** A request that only looks, or is done as soon as it is kept: it is over in a moment. */
export const LOOK = "look";

/**
 * All that an end of the gateway would cut off. What waits on disk is not in it: whoever leads next
 * goes on with that.
 */
export class Work implements Disposable {
  readonly #ends = new Bell();
  readonly #runs: Pick<Runs, "active">;
  readonly #watch: Disposable;
  /** Turns whose answer somebody reads as it is made. */
  readonly turns: UnderWay;
  /** Requests that are not answered yet, and calls that do something. */
  readonly requests: UnderWay;

  /** @param now - Unix ms. */
  constructor(runs: Pick<Runs, "active" | "watch">, now: () => number) {
    this.#runs = runs;
    this.turns = new UnderWay(now, this.#ends);
    this.requests = new UnderWay(now, this.#ends);
    this.#watch = runs.watch(({ type }) => {
      if (MATTERS.has(type)) this.#ends.ring();
    });
  }

  /** Turns under way, whatever has begun them. */
  get runs(): readonly Job[] {
    return this.#runs.active().filter(isCutOff).map(jobOf);
  }

  /** Turns of every kind; where there is none, what else goes on. */
  get jobs(): readonly Job[] {
    const { runs } = this;
    if (runs.length > 0) return runs;
    if (this.turns.jobs.length > 0) return this.turns.jobs;
    return this.requests.jobs.filter(({ kind }) => kind !== LOOK);
  }

  /** Settles when some of it has begun or ended, or `signal` aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return this.#ends.heard(signal);
  }

  /** Resolves when no request is under way and no turn that is read, or `deadlineMs` have passed. */
  async ended(deadlineMs: number): Promise<void> {
    await Promise.all([this.turns.ended(deadlineMs), this.requests.ended(deadlineMs)]);
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}

/** What happens to runs by which there are others under way than before. */
const MATTERS: ReadonlySet<RunEvent["type"]> = new Set([
  "queued",
  "started",
  "done",
  "failed",
  "aborted",
]);

/** A turn over HTTP is kept nowhere: it is lost also while it waits for its session. */
function isCutOff({ status, kind }: RunState): boolean {
  return status === "running" || kind === "http";
}

function jobOf({ kind, startedAt, acceptedAt }: RunState): Job {
  return { kind, since: startedAt ?? acceptedAt };
}

/** For people: `2 under way (1 channel, 1 http), the oldest for 12 s`. */
export function workText(jobs: readonly Job[], now: number): string {
  if (jobs.length === 0) return "nothing under way";
  const counts = [...countsOf(jobs)].map(([kind, count]) => `${count} ${kind}`).join(", ");
  const oldest = Math.min(...jobs.map(({ since }) => since));
  const seconds = Math.max(0, Math.round((now - oldest) / 1_000));
  return `${jobs.length} under way (${counts}), the oldest for ${seconds} s`;
}

/** How many of each kind, by name. */
export function countsOf(jobs: readonly Job[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { kind } of jobs) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return new Map([...counts].toSorted(([a], [b]) => a.localeCompare(b)));
}

/** The same, in the words of the protocol. */
export function blockersOf(jobs: readonly Job[]): readonly Blocker[] {
  const counts = new Map<Blocker["kind"], number>();
  for (const { kind } of jobs) {
    const named = BLOCKER_KINDS.get(kind) ?? "root-request";
    counts.set(named, (counts.get(named) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => {
    return { kind, count, message: `${count} ${WORDS[kind]}${count === 1 ? "" : "s"} under way` };
  });
}

const WORDS = { "chat-run": "run", "cron-run": "cron run", "root-request": "request" } as const;

const BLOCKER_KINDS: ReadonlyMap<string, Blocker["kind"]> = new Map([
  ...["chat", "agent", "channel", "hook", "http"].map((kind) => [kind, "chat-run"] as const),
  ...["cron", "heartbeat"].map((kind) => [kind, "cron-run"] as const),
]);
