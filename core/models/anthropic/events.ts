/** Events of Anthropic's Messages stream -> ours. Pure. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { Usage as Tokens } from "../../store/message.ts";
import type { ModelEvent, StopReason } from "../model.ts";
import type { ReplyReader } from "../reply-reader.ts";
import { TokenCount } from "../tokens.ts";

const Count = TokenCount.nullish();

const Usage = z.object({
  input_tokens: Count,
  cache_creation_input_tokens: Count,
  cache_read_input_tokens: Count,
  output_tokens: Count,
  output_tokens_details: z.object({ thinking_tokens: Count }).nullish(),
});

/** Open: what we do not read may come and go. Kinds we do not know are let pass before this. */
const Event = z.discriminatedUnion("type", [
  z.object({ type: z.literal("message_start"), message: z.object({ usage: Usage.nullish() }) }),
  z.object({
    type: z.literal("content_block_start"),
    index: z.int(),
    content_block: z.object({
      type: z.string(),
      text: z.string().optional(),
      thinking: z.string().optional(),
      signature: z.string().optional(),
      data: z.string().optional(),
      id: z.string().optional(),
      name: z.string().optional(),
      input: z.unknown().optional(),
    }),
  }),
  z.object({
    type: z.literal("content_block_delta"),
    index: z.int(),
    delta: z.object({
      type: z.string(),
      text: z.string().optional(),
      thinking: z.string().optional(),
      signature: z.string().optional(),
      partial_json: z.string().optional(),
    }),
  }),
  z.object({ type: z.literal("content_block_stop"), index: z.int() }),
  z.object({
    type: z.literal("message_delta"),
    delta: z.object({ stop_reason: z.string().nullish() }),
    usage: Usage.nullish(),
  }),
]);
type Event = z.output<typeof Event>;

const Envelope = z.object({ type: z.string() });

const KINDS: ReadonlySet<string> = new Set(Event.options.map((option) => option.shape.type.value));

/** `pause_turn` and a full context leave the answer unfinished, as running out of tokens does. */
const STOPS: ReadonlyMap<string, StopReason> = new Map([
  ["end_turn", "end"],
  ["stop_sequence", "end"],
  ["tool_use", "tool_calls"],
  ["max_tokens", "max_tokens"],
  ["model_context_window_exceeded", "max_tokens"],
  ["pause_turn", "max_tokens"],
  ["refusal", "refusal"],
]);

/** Most tools one answer may call: more is a model running wild. */
const MAX_TOOL_CALLS = 128;

interface OpenCall {
  readonly id: string;
  readonly name: string;
  /** What the block started with: used when no deltas follow. */
  readonly given: string;
  input: string;
}

/** A thought as far as it has come. */
interface OpenThought {
  text: string;
  signature: string;
}

/** Most thoughts of one answer: there is one before each call, and a few more. */
const MAX_THOUGHTS = 512;

/**
 * Source: https://platform.claude.com/docs/en/build-with-claude/streaming
 *
 * @param model - Id of the model, for the thoughts that have to be handed back to it.
 */
export function createReader(model = ""): ReplyReader {
  const open = new Map<number, OpenCall>();
  const thoughts = new Map<number, OpenThought>();
  let thoughtCount = 0;
  const usage: { -readonly [Key in keyof Tokens]: Tokens[Key] } = {
    inputTokens: 0,
    outputTokens: 0,
  };
  let calls = 0;
  let stop: StopReason | undefined;

  function count(given: z.output<typeof Usage> | null | undefined): void {
    if (!given) return;
    const input = inputOf(given);
    // Later counts are cumulative; `message_delta` often repeats only the output.
    if (input > 0) usage.inputTokens = input;
    usage.outputTokens = given.output_tokens ?? usage.outputTokens;
    // A part that is zero is left out, as by most who count.
    const { cache_read_input_tokens: read, cache_creation_input_tokens: written } = given;
    const thought = given.output_tokens_details?.thinking_tokens;
    if (read) usage.cacheReadTokens = read;
    if (written) usage.cacheWriteTokens = written;
    if (thought) usage.reasoningTokens = thought;
  }

  function start(event: Extract<Event, { type: "content_block_start" }>): ModelEvent[] {
    const block = event.content_block;
    if (block.type === "text") return toText(block.text);
    if (block.type === "thinking") return startThought(event);
    if (block.type === "redacted_thinking") {
      const seal = block.data ?? "";
      return [{ type: "thought", block: { model, kind: "redacted", text: "", seal } }];
    }
    if (block.type !== "tool_use") return [];
    calls += 1;
    if (block.id === undefined || block.name === undefined || calls > MAX_TOOL_CALLS) {
      throw new GatewayError("bad_response", "A tool_use block without id or name, or too many");
    }
    open.set(event.index, {
      id: block.id,
      name: block.name,
      given: JSON.stringify(block.input ?? {}),
      input: "",
    });
    return [];
  }

  function startThought({
    index,
    content_block: block,
  }: Extract<Event, { type: "content_block_start" }>): ModelEvent[] {
    thoughtCount += 1;
    if (thoughtCount > MAX_THOUGHTS) {
      throw new GatewayError("bad_response", "More thoughts than an answer can hold");
    }
    const { thinking: text = "", signature = "" } = block;
    thoughts.set(index, { text, signature });
    return toThinking(text);
  }

  function growThought(
    thought: OpenThought,
    { thinking = "", signature = "" }: { thinking?: string; signature?: string },
  ): ModelEvent[] {
    thought.text += thinking;
    thought.signature += signature;
    return toThinking(thinking);
  }

  function grow(event: Extract<Event, { type: "content_block_delta" }>): ModelEvent[] {
    if (event.delta.type === "text_delta") return toText(event.delta.text);
    const thought = thoughts.get(event.index);
    if (thought !== undefined) return growThought(thought, event.delta);
    const call = open.get(event.index);
    if (call !== undefined) call.input += event.delta.partial_json ?? "";
    return [];
  }

  function close(index: number): ModelEvent[] {
    const thought = thoughts.get(index);
    thoughts.delete(index);
    // Without a seal it is refused when it comes back.
    if (thought !== undefined && thought.signature !== "") {
      const { text, signature: seal } = thought;
      return [{ type: "thought", block: { model, kind: "signed", text, seal } }];
    }
    const call = open.get(index);
    if (call === undefined) return [];
    open.delete(index);
    const { id, name, given, input } = call;
    return [{ type: "tool_call", call: { id, name, input: input === "" ? given : input } }];
  }

  return {
    push(raw) {
      const event = parse(raw);
      switch (event?.type) {
        case "content_block_start":
          return start(event);
        case "content_block_delta":
          return grow(event);
        case "content_block_stop":
          return close(event.index);
        case "message_start":
          count(event.message.usage);
          break;
        case "message_delta":
          count(event.usage);
          // A reason that is newer than this code still means that the answer is over.
          if (event.delta.stop_reason) stop = STOPS.get(event.delta.stop_reason) ?? "end";
          break;
        case undefined:
          break;
      }
      return [];
    },
    end: () => (stop === undefined ? [] : [{ type: "done", stop, usage: { ...usage } }]),
    spent: () => (usage.inputTokens + usage.outputTokens > 0 ? { ...usage } : undefined),
  };
}

/** Cached input is input: the three add up to what the model read. */
function inputOf(given: z.output<typeof Usage>): number {
  const { input_tokens: fresh, cache_creation_input_tokens: written } = given;
  return (fresh ?? 0) + (written ?? 0) + (given.cache_read_input_tokens ?? 0);
}

function parse(raw: unknown): Event | undefined {
  const envelope = Envelope.safeParse(raw);
  if (envelope.success && !KINDS.has(envelope.data.type)) return undefined;
  const event = Event.safeParse(raw);
  if (event.success) return event.data;
  throw new GatewayError("bad_response", z.prettifyError(event.error));
}

function toThinking(delta: string): ModelEvent[] {
  return delta === "" ? [] : [{ type: "thinking", delta }];
}

function toText(delta: string | undefined): ModelEvent[] {
  return delta === undefined || delta === "" ? [] : [{ type: "text", delta }];
}
