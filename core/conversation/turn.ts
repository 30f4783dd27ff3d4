/** What is asked of a session, and what it takes to answer. */
import type { Logger } from "pino";
import type { AgentSettings } from "../agents/directory.ts";
import type { AgentDone, AgentFailed } from "../agents/event.ts";
import type { TurnScope } from "../agents/turn-scope.ts";
import type { Clock } from "../channels/clock.ts";
import type { AnswerFormat, Thinking, ToolChoice, ToolSpec } from "../models/model.ts";
import type { EntryRun, SessionEntry } from "../store/entry.ts";
import type { Message } from "../store/message.ts";
import type { Store } from "../store/store.ts";
import type { HistoryLimits } from "./history.ts";
import type { LiveRuns } from "./live-runs.ts";
import type { RunKind } from "./run.ts";

export interface ConversationParts {
  readonly store: {
    readonly sessions: Pick<Store["sessions"], "opening" | "add">;
    readonly usage: Pick<Store["usage"], "add">;
  };
  /** Where all turns are shown while they go on. */
  readonly runs: LiveRuns;
  /**
   * @param model - `provider/model` to be used instead of the agent's own; undefined: its own.
   * @param scope - What is for the owner alone stays out of sessions that are shared.
   * @throws GatewayError `not_found` for an agent that there is not, `model_not_found`.
   */
  readonly agent: (
    agentId: string,
    model?: string,
    scope?: TurnScope | string,
  ) => AgentSettings | Promise<AgentSettings>;
  /** What the model must know of when a conversation goes on. Undefined: nothing. */
  readonly systemNotes?: ((sessionKey: string) => Promise<readonly string[]>) | undefined;
  readonly limits: HistoryLimits;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** One thing to be answered in a session. */
export interface Turn {
  readonly sessionKey: string;
  /** What is said, the newest last. Of a conversation we keep, only what is new in it counts. */
  readonly messages: readonly Message[];
  /** True: goes on from what is kept of the session. False: `messages` is all there is. */
  readonly continues: boolean;
  /** Where it came from, for the log: a channel id, `hook`, `http` … */
  readonly via: string;
  /** Default: `http`. */
  readonly kind?: RunKind | undefined;
  /** Undefined: it gets one of its own. */
  readonly runId?: string | undefined;
  /** Conversation of a channel that it was asked for in. */
  readonly origin?: EntryRun["origin"];
  /** `provider/model`; undefined: the session's, or else the agent's own. */
  readonly model?: string | undefined;
  readonly temperature?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  /** Undefined: the session's, or else the agent's own. */
  readonly thinking?: Thinking | undefined;
  /** Undefined: the session's, or else not. */
  readonly fast?: boolean | undefined;
  /** Names of the agent's tools that may be used, of those it has. Undefined: all. */
  readonly toolsAllow?: readonly string[] | undefined;
  /** True: without the files of the workspace in the system prompt. */
  readonly lightContext?: boolean | undefined;
  /** `provider/model`, in place of those that stand in for the agent's. Undefined: those. */
  readonly fallbacks?: readonly string[] | undefined;
  /** True: asked for with all the rights that the gateway's owner has. */
  readonly asOwner?: boolean | undefined;
  /** Tools that whoever asks runs: when the model calls one, the turn is over. */
  readonly clientTools?: readonly ToolSpec[] | undefined;
  readonly toolChoice?: ToolChoice | undefined;
  readonly parallelToolCalls?: boolean | undefined;
  readonly format?: AnswerFormat | undefined;
  readonly requestId?: string | undefined;
  /** What was said meanwhile and belongs to this turn; asked for before each answer but the first. */
  readonly heard?: (() => Promise<readonly Message[]>) | undefined;
  /** Keeps the finished turn, in place of adding it to the session. */
  readonly commit?: ((entry: SessionEntry, answer: Answer) => Promise<void>) | undefined;
  /**
   * Says what becomes of a turn that failed or was aborted, and keeps what has to be kept. Absent:
   * of an aborted turn its session gets what was said, of a failed one nothing.
   *
   * @param entry - What was asked and said so far.
   * @returns `again`: it will be run once more, under the same id.
   */
  readonly broken?: ((failure: AgentFailed, entry: SessionEntry) => Promise<Broken>) | undefined;
}

/** What becomes of a turn that has no answer. */
export type Broken = "over" | "again";

/** What was said in answer, all of it, and how it ended. */
export interface Answer {
  readonly text: string;
  readonly stop: AgentDone["stop"];
  /** What was thought, when the session wants it told with the answer. */
  readonly thinking?: string | undefined;
}
