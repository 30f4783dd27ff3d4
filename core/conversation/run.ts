/** Runs: turns with a name, which can be begun once, watched, waited for and ended. */
import type { ErrorCode } from "../../shared/errors.ts";
import type { StopReason, Thinking } from "../models/model.ts";
import type { Image, ToolCall, Usage } from "../store/message.ts";
import type { QueueMode } from "./queue.ts";

/** What a run is for; programs that show runs tell them apart by it. */
export type RunKind = "chat" | "agent" | "channel" | "hook" | "http" | "cron" | "heartbeat";

/** A run to be begun. It is kept before it is begun, so a killed process goes on with it. */
export interface RunOrder {
  /** Chosen by whoever asks: the same one again is the same run, for as long as runs are kept. */
  readonly id: string;
  readonly kind: Exclude<RunKind, "channel" | "hook" | "http">;
  /** Canonical: `agent:<agent>:<rest>`. */
  readonly sessionKey: string;
  readonly message: string;
  /** Pictures that came with it. */
  readonly images?: readonly Image[] | undefined;
  /** Told to the model in addition to what its agent always is. */
  readonly extraSystem?: string | undefined;
  /** `provider/model`; undefined: the session's, or else the agent's. */
  readonly model?: string | undefined;
  /** `provider/model`, in place of those that stand in for the agent's. */
  readonly fallbacks?: readonly string[] | undefined;
  /** Names of the agent's tools that may be used, of those it has. Undefined: all. */
  readonly toolsAllow?: readonly string[] | undefined;
  /** True: without the files of the workspace in the system prompt. */
  readonly lightContext?: boolean | undefined;
  /** True: asked for with all the rights that the gateway's owner has. */
  readonly asOwner?: boolean | undefined;
  /** Undefined: the session's, or else the agent's. */
  readonly thinking?: Thinking | undefined;
  readonly fast?: boolean | undefined;
  /** What becomes of it while a turn of its session goes on; undefined: as the session has it. */
  readonly queueMode?: QueueMode | undefined;
  /** Where the answer goes besides the session. */
  readonly deliver?: { readonly channel: string; readonly to: string } | undefined;
  /** Milliseconds; default: the gateway's limit for a turn. */
  readonly timeoutMs?: number | undefined;
  /** False: neither question nor answer is added to the session. Default: true. */
  readonly keep?: boolean | undefined;
}

export type RunStatus = "queued" | "running" | "ok" | "error" | "aborted";

/** What is known of a run. */
export interface RunState {
  readonly id: string;
  readonly kind: RunKind;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly status: RunStatus;
  /** What was asked; empty for one that is over. */
  readonly question: string;
  /** Unix ms. */
  readonly acceptedAt: number;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** The answer as far as it has come. */
  readonly text: string;
  /** What was thought so far, in a session that wants it told; empty: nothing. */
  readonly thinking?: string | undefined;
  readonly stop: StopReason | undefined;
  /** Fit for the user. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | undefined;
  readonly usage: Usage | undefined;
  /** `provider/model` that answers. */
  readonly model: string | undefined;
}

/** What happens to a run, whoever has begun it; in order. */
export type RunEvent =
  | { readonly type: "queued" | "started" | "done" | "failed" | "aborted"; readonly run: RunState }
  | { readonly type: "text"; readonly run: RunState; readonly delta: string }
  /** Only of sessions that want it told. */
  | { readonly type: "thinking"; readonly run: RunState; readonly delta: string }
  | { readonly type: "tool_start"; readonly run: RunState; readonly call: ToolCall }
  | {
      readonly type: "tool_end";
      readonly run: RunState;
      readonly call: ToolCall;
      readonly ok: boolean;
    };

export interface Runs {
  /**
   * Begins a run, once.
   *
   * @returns `started`; or what became of it, when one with this id was begun before.
   * @throws GatewayError `overloaded` when too much is waiting already.
   */
  start(order: RunOrder): Promise<{ readonly fresh: boolean; readonly run: RunState }>;
  /** A run under way; or one that was begun by `start`, and ended within the last days. */
  find(id: string): Promise<RunState | undefined>;
  /** Runs under way, of one session or of all. */
  active(sessionKey?: string): readonly RunState[];
  /** Ends runs under way, whatever has begun them. @returns Their ids. */
  abort(which: { readonly id?: string; readonly sessionKey?: string }): Promise<string[]>;
  /**
   * Resolves when the run has ended, or is put off to a later process, or `timeoutMs` have passed,
   * with what is known of it then. One that nobody has begun is waited for as well.
   */
  wait(id: string, timeoutMs: number, signal: AbortSignal): Promise<RunState | undefined>;
  /** @param listener - Must not throw. */
  watch(listener: (event: RunEvent) => void): Disposable;
}
