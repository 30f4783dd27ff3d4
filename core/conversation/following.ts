/** Messages that wait behind a turn, told to it in place of getting turns of their own. */
import type { Clock } from "../channels/clock.ts";
import type { Message } from "../store/message.ts";
import type { Store } from "../store/store.ts";
import { Aborted, type LiveRuns, type RunFacts } from "./live-runs.ts";
import { capped, queueRules, type QueueConfig, type QueueMode, type QueueRules } from "./queue.ts";
import type { HeardItem, SessionEntry, RunEnd, InboxItem } from "../store/entry.ts";

/** Messages looked at behind one turn, each with its pictures in memory; more wait for the next. */
const MAX_BEHIND = 64;
/** How often the quiet is waited for: somebody who never stops writing is answered all the same. */
const MAX_WAITS = 20;

/** A message that can be told to a turn. */
export interface Follower {
  /** Of its run. */
  readonly id: string;
  readonly message: Extract<Message, { role: "user" }>;
  /** Its own wish. */
  readonly queueMode?: QueueMode | undefined;
  /** Its run, when that is kept apart from its item and ends with it. */
  readonly run: RunFacts | undefined;
}

export interface FollowingParts {
  readonly store: Pick<Store, "behind"> & {
    readonly sessions: Pick<Store["sessions"], "find">;
  };
  readonly live: LiveRuns;
  readonly queue: () => QueueConfig;
  readonly clock: Clock;
}

/** The turn that is under way. */
export interface Followed {
  /** Of the inbox. */
  readonly item: Pick<InboxItem, "id">;
  readonly sessionKey: string;
  /** Where it came from; undefined: no channel. */
  readonly channel: string | undefined;
  /** Its own wish. */
  readonly queueMode?: QueueMode | undefined;
  /** What an item says; undefined: it is not for this turn, nor is anything behind it. */
  readonly read: (item: InboxItem) => Promise<Follower | undefined>;
}

/** What one turn has taken over. Until it ends, all of it still waits: nothing is lost with it. */
export class Following {
  readonly #parts: FollowingParts;
  readonly #turn: Followed;
  readonly #told = new Map<string, Follower>();

  constructor(parts: FollowingParts, turn: Followed) {
    this.#parts = parts;
    this.#turn = turn;
  }

  /**
   * What the turn begins with besides its own message: with `collect`, all that waits.
   *
   * @param run - The turn's own signal. @param gateway - Of all turns.
   */
  async collect(run: AbortSignal, gateway: AbortSignal): Promise<readonly Message[]> {
    if ((await this.#waiting()).length === 0) return [];
    const rules = await this.#rules(this.#turn.queueMode);
    if (rules.mode !== "collect") return [];
    await this.#quiet(rules.debounceMs, run, gateway);
    // A turn that is to end takes nobody with it.
    return run.aborted || gateway.aborted ? [] : this.#take("collect", rules);
  }

  /** What it is told before its model is asked again. */
  async steer(): Promise<readonly Message[]> {
    if ((await this.#waiting()).length === 0) return [];
    return this.#take("steer", await this.#rules(undefined));
  }

  /** The entry of the turn, with which all that it has taken over ends. */
  ending(entry: SessionEntry, end?: RunEnd): SessionEntry {
    if (this.#told.size === 0) return entry;
    const heard = [...this.#told].map(([id, { run }]): HeardItem => {
      return run !== undefined && end !== undefined ? { id, run: { id: run.id, end } } : { id };
    });
    return { ...entry, heard };
  }

  /** Once that is kept: those who watch are told. */
  ended(end: RunEnd): void {
    const { live } = this.#parts;
    for (const { id, run: facts } of this.#told.values()) {
      // One that came to an earlier process is known to the store alone.
      const run = facts === undefined ? live.find(id) : live.open(facts);
      if (run === undefined) continue;
      if (end.status === "ok") run.done({ stop: "end", usage: NO_USAGE, model: end.model ?? "" });
      else {
        if (end.status === "aborted") run.stop(new Aborted());
        run.fail(end.error ?? { code: "canceled", message: "The run was aborted" });
      }
    }
  }

  async #waiting(): Promise<readonly InboxItem[]> {
    const behind = await this.#parts.store.behind(this.#turn.item.id, MAX_BEHIND);
    return behind.filter(({ id }) => !this.#told.has(id));
  }

  /** In order: what stands behind one that is not for this turn has to wait with it. */
  async #take(mode: QueueMode, rules: QueueRules): Promise<readonly Message[]> {
    const taken: (readonly [item: string, follower: Follower])[] = [];
    const { channel, read } = this.#turn;
    const settings = await this.#settings();
    for (const item of await this.#waiting()) {
      const follower = await read(item);
      if (follower === undefined) break;
      const own = queueRules(settings, this.#parts.queue(), channel, follower.queueMode);
      if (own.mode !== mode) break;
      taken.push([item.id, follower]);
    }
    const taking = taken.map(([, follower]) => follower);
    // Only now: whatever failed before, all of it still waits.
    for (const [id, follower] of taken) this.#told.set(id, follower);
    const { from, to, note } = capped(
      taking.map(({ message }) => message.text),
      rules,
    );
    const told = taking.slice(from, to).map(({ message }) => message);
    return note === undefined ? told : [{ role: "user", text: note }, ...told];
  }

  /** Until nothing has come for a while. */
  async #quiet(debounceMs: number, ...signals: readonly AbortSignal[]): Promise<void> {
    const { clock } = this.#parts;
    const over = new AbortController();
    const end = (): void => over.abort();
    for (const signal of signals) signal.addEventListener("abort", end, { once: true });
    if (signals.some(({ aborted }) => aborted)) end();
    try {
      for (let waits = 0; waits < MAX_WAITS && !over.signal.aborted; waits += 1) {
        const newest = (await this.#waiting()).at(-1)?.receivedAt ?? 0;
        const leftMs = newest + debounceMs - clock.now();
        if (leftMs <= 0) return;
        // A clock that was put back makes nobody wait for longer.
        await clock.wait(Math.min(leftMs, debounceMs), over.signal);
      }
    } finally {
      for (const signal of signals) signal.removeEventListener("abort", end);
    }
  }

  async #rules(own: QueueMode | undefined): Promise<QueueRules> {
    return queueRules(await this.#settings(), this.#parts.queue(), this.#turn.channel, own);
  }

  async #settings(): Promise<Readonly<Record<string, string | number | boolean>>> {
    return (await this.#parts.store.sessions.find(this.#turn.sessionKey))?.settings ?? {};
  }
}

const NO_USAGE = { inputTokens: 0, outputTokens: 0 } as const;
