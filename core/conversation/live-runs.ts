/** Runs under way, whatever has begun them: what is known of each, and who is told. */
import { GatewayError } from "../../shared/errors.ts";
import type { AgentDone, AgentFailed } from "../agents/event.ts";
import { Meter } from "../models/meter.ts";
import type { ToolCall } from "../store/message.ts";
import { agentIdOf } from "../store/session-key.ts";
import type { RunEvent, RunKind, RunState, RunStatus } from "./run.ts";

export interface RunFacts {
  readonly id: string;
  readonly kind: RunKind;
  readonly sessionKey: string;
  /** What was asked. */
  readonly question: string;
  /** Unix ms. */
  readonly acceptedAt: number;
}

/** Why a run was stopped: somebody wished it. */
export class Aborted extends Error {
  override readonly name = "Aborted";
}

type Listener = (event: RunEvent) => void;

/** One run, from the moment it is known to its end. */
export class LiveRun {
  readonly facts: RunFacts;
  /** Notes what models are asked for it. */
  readonly meter: Meter;
  readonly #now: () => number;
  readonly #tell: Listener;
  readonly #onEnd: () => void;
  readonly #stop = new AbortController();
  #status: RunStatus = "queued";
  #isAnnounced = false;
  #text = "";
  #thinking = "";
  #startedAt: number | undefined;
  #endedAt: number | undefined;
  #ending: Pick<RunState, "stop" | "error" | "usage"> = NO_ENDING;
  #model: string | undefined;

  constructor(facts: RunFacts, now: () => number, tell: Listener, onEnd: () => void) {
    this.facts = facts;
    this.meter = new Meter(now);
    this.#now = now;
    this.#tell = tell;
    this.#onEnd = onEnd;
  }

  /** Aborts when it is to end; its reason says why. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Somebody wished that it ends. */
  get wasAborted(): boolean {
    return this.#stop.signal.reason instanceof Aborted;
  }

  get startedAt(): number {
    return this.#startedAt ?? this.facts.acceptedAt;
  }

  get text(): string {
    return this.#text;
  }

  /** Empty unless its session wants it told. */
  get thinking(): string {
    return this.#thinking;
  }

  get state(): RunState {
    const { id, kind, sessionKey, question, acceptedAt } = this.facts;
    return {
      id,
      question,
      kind,
      sessionKey,
      agentId: agentIdOf(sessionKey),
      status: this.#status,
      acceptedAt,
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
      text: this.#text,
      thinking: this.#thinking,
      ...this.#ending,
      model: this.#model,
    };
  }

  /** Tells that it waits. Does nothing for one that goes on already. */
  announce(): void {
    if (this.#isAnnounced || this.#status !== "queued") return;
    this.#isAnnounced = true;
    this.#tell({ type: "queued", run: this.state });
  }

  start(model: string | undefined): void {
    this.#status = "running";
    this.#isAnnounced = true;
    this.#startedAt = this.#now();
    this.#text = "";
    this.#thinking = "";
    this.#model = model;
    this.#tell({ type: "started", run: this.state });
  }

  say(delta: string): void {
    this.#text += delta;
    this.#tell({ type: "text", run: this.state, delta });
  }

  think(delta: string): void {
    this.#thinking += delta;
    this.#tell({ type: "thinking", run: this.state, delta });
  }

  callTool(call: ToolCall): void {
    this.#tell({ type: "tool_start", run: this.state, call });
  }

  endTool(call: ToolCall, ok: boolean): void {
    this.#tell({ type: "tool_end", run: this.state, call, ok });
  }

  /** It is to end as soon as it can. */
  stop(reason: unknown): void {
    this.#stop.abort(reason);
  }

  done({ stop, usage, model }: Pick<AgentDone, "stop" | "usage" | "model">): void {
    this.#model = model;
    this.#ending = { stop, usage, error: undefined };
    this.#end("ok", "done");
  }

  fail({ code, message }: Pick<AgentFailed, "code" | "message">): void {
    if (this.wasAborted) return this.#end("aborted", "aborted");
    this.#ending = { ...NO_ENDING, error: { code, message } };
    this.#end("error", "failed");
  }

  /** It has failed, and is tried again later. */
  again(): void {
    this.#status = "queued";
    this.#tell({ type: "queued", run: this.state });
  }

  /** Nobody goes on with it: one that neither ended nor waits was left by whoever ran it. */
  leave(): void {
    if (this.#status === "running" || !this.#isAnnounced) this.#end("aborted", "aborted");
  }

  /** Never was: nobody is told. */
  forget(): void {
    this.#onEnd();
  }

  #end(status: RunStatus, type: "done" | "failed" | "aborted"): void {
    if (this.#endedAt !== undefined) return;
    this.#status = status;
    this.#endedAt = this.#now();
    this.#onEnd();
    this.#tell({ type, run: this.state });
  }
}

const NO_ENDING = { stop: undefined, error: undefined, usage: undefined } as const;

/** Never more of them than turns and waiting runs, which are bounded. */
export class LiveRuns {
  readonly #now: () => number;
  readonly #runs = new Map<string, LiveRun>();
  readonly #listeners = new Set<Listener>();

  /** @param now - Unix ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#runs.size;
  }

  /** The one with this id, if it is under way, or a new one that nobody has been told of. */
  open(facts: RunFacts): LiveRun {
    const known = this.#runs.get(facts.id);
    if (known !== undefined) return known;
    const run = new LiveRun(
      facts,
      this.#now,
      (event) => this.#tell(event),
      () => void this.#runs.delete(facts.id),
    );
    this.#runs.set(facts.id, run);
    return run;
  }

  find(id: string): LiveRun | undefined {
    return this.#runs.get(id);
  }

  /** In the order they came; of one session or of all. */
  of(sessionKey?: string): LiveRun[] {
    const all = [...this.#runs.values()];
    return sessionKey === undefined
      ? all
      : all.filter(({ facts }) => facts.sessionKey === sessionKey);
  }

  /** @param listener - Must not throw. */
  watch(listener: Listener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #tell(event: RunEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** A failure with the reason for which the run was stopped, when that one says more. */
export function explained(failure: AgentFailed, { reason }: AbortSignal): AgentFailed {
  if (failure.code !== "canceled") return failure;
  if (reason instanceof Aborted) return { ...failure, message: "The run was aborted" };
  if (!(reason instanceof GatewayError)) return failure;
  const { code, message, retryAfterMs } = reason;
  return { ...failure, code, message, retryAfterMs };
}
