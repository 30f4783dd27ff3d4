import type { ErrorCode } from "../../shared/errors.ts";
import type { StopReason } from "../models/model.ts";
import type { Message, ToolCall, Usage } from "../store/message.ts";

/** What one run of an agent tells its caller, in order. The last one is `done` or `failed`. */
export type AgentEvent =
  | { readonly type: "text"; readonly delta: string }
  /** What the model thinks: never a part of the answer. */
  | { readonly type: "thinking"; readonly delta: string }
  | { readonly type: "tool_start"; readonly call: ToolCall }
  | {
      readonly type: "tool_end";
      readonly call: ToolCall;
      /** False when the tool did not run to its end: unknown, bad input, or a bug in it. */
      readonly ok: boolean;
      /** What the tool threw: for the log only. */
      readonly cause: unknown;
    }
  | AgentDone
  | AgentFailed;

export interface AgentDone {
  readonly type: "done";
  /** What the run added to the conversation, to be stored in this order. */
  readonly messages: readonly Message[];
  /** `tool_calls`: tools of the caller's own are to be run, see `calls`. */
  readonly stop: StopReason;
  /** Calls of the caller's own tools; absent: none. Those of the agent were run. */
  readonly calls?: readonly ToolCall[] | undefined;
  /** Of all rounds together. */
  readonly usage: Usage;
  /** Id of the model that gave the answer: not the first of the chain if that one failed. */
  readonly model: string;
}

export interface AgentFailed {
  readonly type: "failed";
  readonly code: ErrorCode;
  /** Fit for the user. */
  readonly message: string;
  readonly retryAfterMs: number | undefined;
  /** What was said before it failed: all `text` deltas together. */
  readonly partialText: string;
  /** What was thrown, when it was a bug: for the log only. */
  readonly cause: unknown;
}
