/** The agent: model and tools by turns, until the model has nothing left to look up. */
import type {
  AnswerFormat,
  Model,
  ModelFailure,
  ModelRequest,
  ToolChoice,
  ToolSpec,
} from "../models/model.ts";
import type { Message, ToolCall, Usage } from "../store/message.ts";
import { type Answer, ask, type Sleep } from "./ask.ts";
import type { AgentDone, AgentEvent, AgentFailed } from "./event.ts";
import { soundHistory } from "./history.ts";
import { runTool } from "./run-tool.ts";
import type { Tool } from "./tool.ts";

export interface AgentLimits {
  /** Answers in one run that may ask for tools; the one after them has to do without. */
  readonly maxToolRounds: number;
  /** Calls of one answer that are run; the others are told to come again. */
  readonly maxCallsPerRound: number;
  /** UTF-8 bytes of one tool's output that reach the model: 16 k tokens, a quarter of a small context. */
  readonly maxToolOutputBytes: number;
}

export const AGENT_LIMITS: AgentLimits = {
  maxToolRounds: 16,
  maxCallsPerRound: 32,
  maxToolOutputBytes: 64 * 1024,
};

export interface AgentRun {
  /** Tried in this order; the first that answers is kept for the rest of the run. */
  readonly models: readonly Model[];
  /** Who the agent is; empty for none. Stands before system messages of the conversation. */
  readonly system: string;
  /** The conversation so far, the newest message last. */
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  /**
   * Tools that the caller runs: when one is called, the run is over, and goes on with another that
   * brings the result. One of these hides a tool of the agent with the same name.
   */
  readonly clientTools?: readonly ToolSpec[] | undefined;
  /** Which of the caller's tools has to be called; undefined: the model decides. */
  readonly toolChoice?: ToolChoice | undefined;
  readonly parallelToolCalls?: boolean | undefined;
  readonly format?: AnswerFormat | undefined;
  /** Undefined: the provider's default. */
  readonly temperature?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly signal: AbortSignal;
  readonly limits?: AgentLimits | undefined;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly sleep: Sleep;
}

/**
 * Answers a conversation. Yields `text`, `tool_start` and `tool_end` as they happen, then exactly
 * one `done` or `failed`, and ends. Never throws once begun; aborting `signal` ends it promptly
 * with `failed` / `canceled`. Nothing is stored here: `done.messages` is for the caller to keep.
 */
export async function* runAgent(run: AgentRun): AsyncGenerator<AgentEvent> {
  let told = "";
  let gap = "";
  try {
    for await (const event of rounds(run)) {
      // What is said after a tool ran is a new paragraph, or it reads as one run-on sentence.
      if (event.type === "tool_start" && told !== "") gap = "\n\n";
      if (event.type === "text") {
        const delta = gap + event.delta;
        gap = "";
        told += delta;
        yield { type: "text", delta };
      } else yield event.type === "failed" ? { ...event, partialText: told } : event;
    }
  } catch (cause) {
    const message = "Something failed on our side; the log has the details";
    yield { ...failed("internal", message), partialText: told, cause };
  }
}

async function* rounds(run: AgentRun): AsyncGenerator<AgentEvent> {
  const { maxToolRounds, maxCallsPerRound } = run.limits ?? AGENT_LIMITS;
  const fresh = freshIds(run.messages);
  const added: Message[] = [];
  const usage = { inputTokens: 0, outputTokens: 0 };
  let { models } = run;
  for (let round = 0; ; round += 1) {
    const answer = yield* ask(models, requestOf(run, added), run);
    if (answer.type === "failed") {
      yield { ...answer, partialText: "", cause: undefined };
      return;
    }
    models = answer.models;
    usage.inputTokens += answer.usage.inputTokens;
    usage.outputTokens += answer.usage.outputTokens;
    if (answer.stop !== "tool_calls" || answer.calls.length === 0) {
      yield done(answer, added, usage);
      return;
    }
    if (round > maxToolRounds) {
      yield failed("model_failed", `The model asked for tools ${round} times without an answer`);
      return;
    }
    const calls = answer.calls.map(fresh);
    const theirs = calls.filter(({ name }) => run.clientTools?.some((tool) => tool.name === name));
    const ours = calls.filter((call) => !theirs.includes(call));
    added.push({ role: "assistant", text: answer.text, toolCalls: calls });
    const results = yield* runCalls(ours, round < maxToolRounds ? maxCallsPerRound : 0, run);
    if (results === undefined) {
      yield failed("canceled", "The request was canceled");
      return;
    }
    added.push(...results);
    if (theirs.length > 0) {
      const { model } = answer;
      yield { type: "done", messages: added, stop: "tool_calls", calls: theirs, usage, model };
      return;
    }
  }
}

function requestOf(run: AgentRun, added: readonly Message[]): ModelRequest {
  const { temperature, maxOutputTokens, toolChoice, parallelToolCalls, format } = run;
  const system: Message[] = run.system === "" ? [] : [{ role: "system", text: run.system }];
  return {
    messages: [...system, ...soundHistory([...run.messages, ...added])],
    tools: toolsOf(run),
    temperature,
    maxOutputTokens,
    toolChoice,
    parallelToolCalls,
    format,
  };
}

/**
 * What the model may call. A call that is demanded is one of the caller's: with ours beside them a
 * model would go on calling those. And what is said before a tool of ours runs is part of the
 * answer, so an answer in a given format has to do without.
 */
function toolsOf({ tools, clientTools = [], toolChoice, format }: AgentRun): ToolSpec[] {
  const names = new Set(clientTools.map(({ name }) => name));
  const ours = toolChoice === undefined && format === undefined ? tools : [];
  return [...ours.map(({ spec }) => spec).filter(({ name }) => !names.has(name)), ...clientTools];
}

/** Runs the first `allowed` calls one after another. Undefined: aborted in between. */
async function* runCalls(
  calls: readonly ToolCall[],
  allowed: number,
  run: AgentRun,
): AsyncGenerator<AgentEvent, Message[] | undefined> {
  const { maxToolOutputBytes } = run.limits ?? AGENT_LIMITS;
  const results: Message[] = [];
  for (const [index, call] of calls.entries()) {
    if (index >= allowed) {
      results.push({ role: "tool", callId: call.id, text: notRun(allowed) });
      continue;
    }
    yield { type: "tool_start", call };
    const outcome = await runTool(call, run.tools, run.signal, maxToolOutputBytes);
    if (outcome === undefined) return undefined;
    yield { type: "tool_end", call, ok: outcome.ok, cause: outcome.cause };
    results.push({ role: "tool", callId: call.id, text: outcome.text });
  }
  return results;
}

function notRun(allowed: number): string {
  return allowed === 0
    ? "Not run: no more tool calls are allowed. Answer with what you have."
    : `Not run: only ${allowed} calls at once are allowed. Call again if you still need it.`;
}

/**
 * Makes the ids of calls unique in the conversation: some servers count every answer's calls from
 * `call_0`, and others refuse a conversation in which an id comes twice.
 */
function freshIds(messages: readonly Message[]): (call: ToolCall) => ToolCall {
  const calls = messages.flatMap((message) =>
    message.role === "assistant" ? message.toolCalls : [],
  );
  const taken = new Set(calls.map(({ id }) => id));
  return (call) => {
    let id = call.id;
    for (let copy = 2; id === "" || taken.has(id); copy += 1) id = `${call.id || "call"}_${copy}`;
    taken.add(id);
    return { ...call, id };
  };
}

function done(answer: Answer, added: readonly Message[], usage: Usage): AgentDone {
  return {
    type: "done",
    // Calls that came with another stop may be cut in half: they were not run and are not kept.
    messages: [...added, { role: "assistant", text: answer.text, toolCalls: [] }],
    stop: answer.stop === "tool_calls" ? "end" : answer.stop,
    usage,
    model: answer.model,
  };
}

function failed(code: ModelFailure["code"] | "internal", message: string): AgentFailed {
  return {
    type: "failed",
    code,
    message,
    retryAfterMs: undefined,
    partialText: "",
    cause: undefined,
  };
}
