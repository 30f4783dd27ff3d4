/**
 * What is done when something happens inside the gateway.
 *
 * Hooks are declared in the config and are no code: they ask the agent, leave it a note, or post the
 * event to an address of the config. They are best effort: what a killed process was about to do is
 * not made up for.
 */
import type { Logger } from "pino";
import type { Config } from "../config/schema.ts";
import type { InternalAction } from "../config/sections/internal-hooks.ts";
import type { Runs } from "../conversation/run.ts";
import { eventPost } from "./event-post.ts";
import { filled } from "./fill.ts";
import type { Happening } from "./parts.ts";
import type { SystemEvents } from "./system-events.ts";

/** A hook whose action causes its own event must not go round and round. */
const MAX_PER_MINUTE = 30;
const MINUTE_MS = 60_000;
/** Actions under way at the same time; more are dropped, with a line in the log. */
const MAX_RUNNING = 32;

type Entry = Config["hooks"]["internal"]["entries"][string];

export interface HookParts {
  readonly settings: () => { readonly config: Config };
  readonly runs: Pick<Runs, "start">;
  readonly events: SystemEvents;
  readonly wake: (agentId: string, sessionKey: string) => void;
  readonly defaultAgent: () => string;
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => number;
  /** A UUID. */
  readonly newId: () => string;
  /** Aborts when the gateway stops. */
  readonly stop: AbortSignal;
  readonly log: Logger;
}

/** What became of a hook since the start. */
export interface HookReport {
  readonly fired: number;
  readonly failed: number;
  /** Unix ms. */
  readonly lastAt: number | undefined;
  readonly lastError: string | undefined;
}

const NEVER: HookReport = { fired: 0, failed: 0, lastAt: undefined, lastError: undefined };

export class InternalHooks {
  readonly #parts: HookParts;
  readonly #reports = new Map<string, HookReport>();
  /** By hook: when it was set off within the last minute. */
  readonly #recent = new Map<string, number[]>();
  readonly #running = new Set<Promise<void>>();

  constructor(parts: HookParts) {
    this.#parts = parts;
  }

  report(name: string): HookReport {
    return this.#reports.get(name) ?? NEVER;
  }

  /** Sets off the hooks that listen to it. Never throws; returns at once. */
  happened(happening: Happening): void {
    const { internal } = this.#parts.settings().config.hooks;
    if (!internal.enabled) return;
    for (const [name, entry] of Object.entries(internal.entries)) {
      const { action } = entry;
      if (action === undefined || !entry.enabled || !listensTo(entry, happening.event)) continue;
      if (this.#mayRun(name)) this.#begin(name, action, happening);
    }
  }

  /** Settles when what was set off is done, or cut off by `stop`. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  #mayRun(name: string): boolean {
    const { now, log } = this.#parts;
    const since = now() - MINUTE_MS;
    const recent = (this.#recent.get(name) ?? []).filter((at) => at > since);
    const may = recent.length < MAX_PER_MINUTE && this.#running.size < MAX_RUNNING;
    if (may) recent.push(now());
    else log.warn({ hook: name }, "a hook was set off too often: this one is left out");
    this.#recent.set(name, recent);
    return may;
  }

  #begin(name: string, action: InternalAction, happening: Happening): void {
    const work = this.#act(name, action, happening).then(
      () => this.#note(name, undefined),
      (error: unknown) => {
        // Never the text of an unknown error: it may hold the address.
        const why = error instanceof Error ? error.name : "unknown";
        this.#note(name, why);
        this.#parts.log.warn({ hook: name, err: error }, "a hook failed");
      },
    );
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  #note(name: string, error: string | undefined): void {
    const { fired, failed, lastError } = this.report(name);
    this.#reports.set(name, {
      fired: fired + 1,
      failed: failed + (error === undefined ? 0 : 1),
      lastAt: this.#parts.now(),
      lastError: error ?? lastError,
    });
  }

  async #act(name: string, action: InternalAction, happening: Happening): Promise<void> {
    const { events, wake, newId, fetch, stop, now } = this.#parts;
    if (action.kind === "post") {
      await eventPost({ ...action, hook: name, happening, at: now() }, fetch, stop);
      return;
    }
    const agentId = action.agentId ?? this.#parts.defaultAgent();
    if (action.kind === "agent") {
      await this.#ask(name, { ...action, agentId }, happening);
      return;
    }
    const sessionKey = `agent:${agentId}:main`;
    await events.enqueue(sessionKey, filled(action.text, happening), newId());
    if (action.wake === "now") wake(agentId, sessionKey);
  }

  async #ask(
    name: string,
    { message, agentId, sessionKey: given, deliver }: Extract<InternalAction, { kind: "agent" }>,
    happening: Happening,
  ): Promise<void> {
    const id = `hook:internal:${this.#parts.newId()}`;
    // Of its own: by a name of which it is known that nobody comes back to it.
    const key = given ?? `hook:agent:internal:${name}:${this.#parts.newId()}`;
    const sessionKey = key.startsWith("agent:") ? key : `agent:${agentId ?? "main"}:${key}`;
    await this.#parts.runs.start({
      id,
      kind: "agent",
      sessionKey,
      message: filled(message, happening),
      deliver,
    });
  }
}

/** By its name, or by that of its family. */
function listensTo({ events }: Entry, event: string): boolean {
  return events.some((one) => event === one || event.startsWith(`${one}:`));
}
