/** The agent: model and tools by turns, until the model has nothing left to look up. */
import type {
  AnswerFormat,
  Model,
  ModelFailure,
  ModelRequest,
  Thinking,
  ToolChoice,
  ToolSpec,
} from "../models/model.ts";
import { type Message, plusUsage, type ToolCall, type Usage } from "../store/message.ts";
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
  /** Whether a model may use a tool of ours; undefined: all of them may use all. */
  readonly mayUse?: ((tool: string, modelRef: string) => boolean) | undefined;
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
  /** Of a model of the chain; undefined: the provider's default. */
  readonly thinking?: ((modelRef: string) => Thinking | undefined) | undefined;
  readonly showThinking?: boolean | undefined;
  readonly fast?: ((modelRef: string) => boolean | undefined) | undefined;
  /** What was said meanwhile: asked for before each answer but the first. */
  readonly heard?: (() => Promise<readonly Message[]>) | undefined;
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
  let usage: Usage = { inputTokens: 0, outputTokens: 0 };
  let { models } = run;
  for (let round = 0; ; round += 1) {
    const answer = yield* ask(models, ({ id }) => requestOf(run, added, id), run);
    if (answer.type === "failed") {
      yield { ...answer, partialText: "", cause: undefined };
      return;
    }
    models = answer.models;
    usage = plusUsage(usage, answer.usage);
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
    const { text, thoughts } = answer;
    added.push({ role: "assistant", text, toolCalls: calls, thoughts });
    const results = yield* runCalls(ours, round < maxToolRounds ? maxCallsPerRound : 0, {
      ...run,
      tools: usable(run, answer.model),
    });
    if (results === undefined) {
      yield failed("canceled", "The request was canceled");
      return;
    }
    added.push(...results);
    if (theirs.length > 0) {
      const { model } = answer;
      yield {
        type: "done",
        messages: added.map(withoutThoughts),
        stop: "tool_calls",
        calls: theirs,
        usage,
        model,
      };
      return;
    }
    added.push(...((await run.heard?.()) ?? []));
  }
}

function requestOf(run: AgentRun, added: readonly Message[], modelRef: string): ModelRequest {
  const { temperature, maxOutputTokens, toolChoice, parallelToolCalls, format } = run;
  const { showThinking } = run;
  const system: Message[] = run.system === "" ? [] : [{ role: "system", text: run.system }];
  return {
    messages: [...system, ...soundHistory([...run.messages, ...added])],
    tools: toolsOf(run, modelRef),
    temperature,
    maxOutputTokens,
    thinking: run.thinking?.(modelRef),
    showThinking,
    fast: run.fast?.(modelRef),
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
function toolsOf(run: AgentRun, modelRef: string): ToolSpec[] {
  const { clientTools = [], toolChoice, format } = run;
  const names = new Set(clientTools.map(({ name }) => name));
  const ours = toolChoice === undefined && format === undefined ? usable(run, modelRef) : [];
  return [...ours.map(({ spec }) => spec).filter(({ name }) => !names.has(name)), ...clientTools];
}

function usable({ tools, mayUse }: AgentRun, modelRef: string): readonly Tool[] {
  return mayUse === undefined ? tools : tools.filter(({ spec }) => mayUse(spec.name, modelRef));
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
    messages: [
      ...added.map(withoutThoughts),
      { role: "assistant", text: answer.text, toolCalls: [] },
    ],
    stop: answer.stop === "tool_calls" ? "end" : answer.stop,
    usage,
    model: answer.model,
  };
}

/** They are for the model that had them, and for this turn. */
function withoutThoughts(message: Message): Message {
  if (message.role !== "assistant" || message.thoughts === undefined) return message;
  const { role, text, toolCalls } = message;
  return { role, text, toolCalls };
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
