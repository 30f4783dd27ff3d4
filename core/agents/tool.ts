import type { ToolSpec } from "../models/model.ts";

/** Something an agent can do besides talk. */
export interface Tool {
  readonly spec: ToolSpec;

  /**
   * Runs once. `input` is the parsed JSON the model wrote, unchecked: parse it first.
   *
   * @returns Text for the model. A failure the model can act on is text too; only a bug throws.
   */
  run(input: unknown, signal: AbortSignal): Promise<string>;
}

/** For whom a tool is run. */
export interface ToolCaller {
  readonly agentId: string;
  /** Canonical; undefined: of no session. */
  readonly sessionKey: string | undefined;
  /** True: the owner asks, and nobody else hears the answer. */
  readonly isOwner: boolean;
  /** True: a person is waiting for the answer; nothing has begun the turn by itself. */
  readonly isAttended: boolean;
  /** Names of all tools that are there in the same turn. */
  readonly tools: readonly string[];
}

/** A tool before it is known for whom it will be run. */
export interface AgentTool {
  readonly spec: ToolSpec;
  /**
   * Who may have it run. `anyone`: everybody the agent answers, in a room with others as well; it
   * tells and does nothing that they could not have asked for. `owner`: only whoever the gateway
   * belongs to, where nobody else is listening.
   */
  readonly for: "anyone" | "owner";
  /** As `Tool.run`. */
  run(input: unknown, signal: AbortSignal, caller: ToolCaller): Promise<string>;
}

/** A tool that does the same whoever it is run for. */
export interface SharedTool extends Tool {
  readonly for: "anyone" | "owner";
}

/** The same tool, for `caller`. */
export function boundTool(tool: AgentTool, caller: ToolCaller): Tool {
  return { spec: tool.spec, run: (input, signal) => tool.run(input, signal, caller) };
}
