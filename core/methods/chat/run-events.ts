import type { RunEvent, RunState } from "../../conversation/run.ts";
import type { Engine } from "../../conversation/engine.ts";
import type { Store } from "../../store/store.ts";
import type { EventHub } from "../events.ts";
import { optional, sessionRow } from "../sessions/row.ts";
import { messagesTopic, tellChanged } from "./parts.ts";
import { assistantMessage, messageIdOf, modelOf, stopReasonOf, wireMessage } from "./wire.ts";

/** Text is gathered for so long before clients hear it: a tenth of a second still reads as typing. */
const GATHER_MS = 75;
/** Messages of one run that followers of its session are told: with more they read the history. */
const MAX_TOLD = 64;
/** UTF-16 units of a message in an event. */
const MAX_CHARS = 200_000;

const ERROR_KINDS: Readonly<Record<string, string>> = {
  model_timeout: "timeout",
  core_timeout: "timeout",
  rate_limited: "rate_limit",
  model_overloaded: "rate_limit",
};

export interface RunEventParts {
  readonly engine: Pick<Engine, "runs">;
  readonly store: Pick<Store, "sessions">;
  readonly hub: EventHub;
  /** How many tokens `provider/model` takes; undefined: not known. */
  readonly contextWindowOf: (ref: string) => number | undefined;
  /** Whether anybody is there to be told. */
  readonly isHeard: () => boolean;
  /** Unix ms. */
  readonly now: () => number;
}

/** How far clients have heard of a run. */
interface Told {
  seq: number;
  /** Units of its text. */
  units: number;
  /** Units of what was thought. */
  thoughtUnits: number;
  timer: NodeJS.Timeout | undefined;
}

/** Tells clients of every run, whoever has begun it, until it is disposed of. */
export function tellRuns(parts: RunEventParts): Disposable {
  const teller = new RunTeller(parts);
  const watch = parts.engine.runs.watch((event) => teller.hear(event));
  return {
    [Symbol.dispose]() {
      watch[Symbol.dispose]();
      teller[Symbol.dispose]();
    },
  };
}

class RunTeller implements Disposable {
  readonly #parts: RunEventParts;
  /** Of runs under way. */
  readonly #told = new Map<string, Told>();

  constructor(parts: RunEventParts) {
    this.#parts = parts;
  }

  hear(event: RunEvent): void {
    const { run } = event;
    switch (event.type) {
      case "queued":
        // Put back: what was said of it counts no more.
        return this.#forget(run.id);
      case "started":
        return this.#started(run);
      case "text":
        return this.#said(run);
      case "thinking":
        return this.#gather(run);
      case "tool_start": {
        const { id: toolCallId, name, input } = event.call;
        this.#flush(run);
        return this.#agent(run, "tool", { phase: "start", toolCallId, name, args: input }, true);
      }
      case "tool_end": {
        const { id: toolCallId, name } = event.call;
        const data = { phase: "result", toolCallId, name, isError: !event.ok };
        return this.#agent(run, "tool", data, true);
      }
      case "done":
      case "failed":
      case "aborted":
        this.#ended(run);
    }
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#told.values()) clearTimeout(timer);
    this.#told.clear();
  }

  #started(run: RunState): void {
    const { startedAt } = run;
    this.#agent(run, "run_status", { phase: "starting_model" });
    this.#chat(run, { state: "status", phase: "starting_model" });
    this.#agent(run, "lifecycle", { phase: "start", startedAt });
    const { modelProvider: provider = null, model = null } = modelOf(run.model);
    this.#agent(run, "lifecycle", { phase: "model", provider, model });
    if (this.#parts.isHeard()) void this.#tellSession(run, "start");
  }

  /** The first words at once, all others gathered. */
  #said(run: RunState): void {
    const told = this.#of(run);
    if (told.units === 0) return this.#flush(run);
    this.#gather(run);
  }

  #gather(run: RunState): void {
    const told = this.#of(run);
    told.timer ??= setTimeout(() => {
      told.timer = undefined;
      const now = this.#parts.engine.runs.active(run.sessionKey).find(({ id }) => id === run.id);
      if (now !== undefined) this.#flush(now);
    }, GATHER_MS);
  }

  #flush(run: RunState): void {
    const told = this.#of(run);
    clearTimeout(told.timer);
    told.timer = undefined;
    const { thinking = "" } = run;
    const thought = thinking.slice(told.thoughtUnits);
    told.thoughtUnits = thinking.length;
    if (thought !== "") this.#agent(run, "thinking", { text: thinking, delta: thought }, true);
    const delta = run.text.slice(told.units);
    if (delta === "") return;
    told.units = run.text.length;
    this.#agent(run, "assistant", { text: run.text, delta }, true);
    const message = assistantMessage(run.text, this.#parts.now());
    this.#chat(run, { state: "delta", deltaText: delta, message }, true);
  }

  #ended(run: RunState): void {
    this.#flush(run);
    const { startedAt, endedAt, status, usage, error } = run;
    const aborted = status === "aborted";
    const stopReason = aborted ? "rpc" : stopReasonOf(run.stop);
    if (usage !== undefined) this.#agent(run, "usage", { outputTokens: usage.outputTokens });
    const ending = { startedAt, endedAt, aborted };
    if (error === undefined) {
      this.#agent(run, "lifecycle", { phase: "end", ...ending, stopReason });
    } else {
      this.#agent(run, "lifecycle", { phase: "error", ...ending, error: error.message });
    }
    // All deltas together, to the letter.
    const { text } = run;
    const isSilent = text.trim() === "";
    const message = isSilent ? {} : { message: assistantMessage(text, this.#parts.now()) };
    if (aborted) this.#chat(run, { state: "aborted", stopReason, ...message });
    else if (error === undefined) this.#chat(run, { state: "final", stopReason, ...message });
    else {
      const errorKind = ERROR_KINDS[error.code] ?? "unknown";
      this.#chat(run, { state: "error", errorMessage: error.message, errorKind, ...message });
    }
    this.#forget(run.id);
    if (this.#parts.isHeard()) void this.#tellSession(run, "end");
  }

  /** What is new in its session, to those who follow it. */
  async #tellSession(run: RunState, phase: "start" | "end"): Promise<void> {
    const { store, engine, hub, now } = this.#parts;
    const { sessionKey, id } = run;
    let page: Awaited<ReturnType<Store["sessions"]["page"]>>;
    try {
      page = await store.sessions.page(sessionKey, { limit: phase === "end" ? MAX_TOLD : 0 });
    } catch {
      return; // the store is gone or full: its own callers say so
    }
    if (page === undefined) {
      return tellChanged({ hub, now }, sessionKey, { phase, runId: id });
    }
    const { info } = page;
    const active = engine.runs.active(sessionKey);
    const { contextWindowOf } = this.#parts;
    const of = { active, defaultModel: run.model, contextWindowOf, now: now() };
    const session = sessionRow(info, of);
    for (const stored of page.messages) {
      const message = stored.run === id ? wireMessage(info, stored, MAX_CHARS) : undefined;
      if (message === undefined) continue;
      const place = { messageId: messageIdOf(info, stored.seq), messageSeq: stored.seq };
      const payload = { sessionKey, agentId: run.agentId, message, ...place, session };
      hub.publish("session.message", payload, { topic: messagesTopic(sessionKey) });
    }
    const facts = { sessionId: info.sessionId, updatedAt: info.updatedAt, session };
    tellChanged({ hub, now }, sessionKey, { phase, runId: id, ...facts });
  }

  #agent(run: RunState, stream: string, data: object, droppable = false): void {
    const told = this.#of(run);
    told.seq += 1;
    const isHeartbeat = run.kind === "heartbeat" ? true : undefined;
    const { id: runId, sessionKey, agentId } = run;
    const named = { runId, sessionKey, agentId, seq: told.seq, stream, ts: this.#parts.now() };
    this.#parts.hub.publish("agent", optional({ ...named, isHeartbeat, data }), { droppable });
  }

  #chat(run: RunState, what: object, droppable = false): void {
    const { id: runId, sessionKey, agentId } = run;
    const { seq } = this.#of(run);
    this.#parts.hub.publish("chat", { runId, sessionKey, agentId, seq, ...what }, { droppable });
  }

  #of({ id }: RunState): Told {
    const known = this.#told.get(id);
    if (known !== undefined) return known;
    const fresh = { seq: 0, units: 0, thoughtUnits: 0, timer: undefined };
    this.#told.set(id, fresh);
    return fresh;
  }

  #forget(id: string): void {
    clearTimeout(this.#told.get(id)?.timer);
    this.#told.delete(id);
  }
}
