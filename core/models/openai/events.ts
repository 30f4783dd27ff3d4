/** Chunks of a chat completion -> our events. Pure. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { Usage } from "../../store/message.ts";
import type { ModelEvent, StopReason } from "../model.ts";
import type { ReplyReader } from "../reply-reader.ts";
import { TokenCount } from "../tokens.ts";
import { ThoughtSplitter } from "./thought-splitter.ts";

/** Loose on purpose: of the servers that call themselves compatible, each leaves something out. */
const Chunk = z.object({
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            content: z.string().nullish(),
            // Neither is OpenAI's own: DeepSeek, vLLM and their kin say one, OpenRouter and Ollama the other.
            reasoning_content: z.string().nullish(),
            reasoning: z.string().nullish(),
            refusal: z.string().nullish(),
            tool_calls: z
              .array(
                z.object({
                  index: z.int().nonnegative().nullish(),
                  id: z.string().nullish(),
                  function: z
                    .object({ name: z.string().nullish(), arguments: z.string().nullish() })
                    .nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: z
    .object({
      prompt_tokens: TokenCount.nullish(),
      completion_tokens: TokenCount.nullish(),
      prompt_tokens_details: z
        .object({
          cached_tokens: TokenCount.nullish(),
          // OpenRouter's.
          cache_write_tokens: TokenCount.nullish(),
        })
        .nullish(),
      completion_tokens_details: z.object({ reasoning_tokens: TokenCount.nullish() }).nullish(),
    })
    .nullish(),
});
type Chunk = z.output<typeof Chunk>;
type Counted = NonNullable<Chunk["usage"]>;
type Choice = NonNullable<Chunk["choices"]>[number];
type CallDelta = NonNullable<NonNullable<Choice["delta"]>["tool_calls"]>[number];

const STOPS: ReadonlyMap<string, StopReason> = new Map([
  ["stop", "end"],
  ["length", "max_tokens"],
  ["tool_calls", "tool_calls"],
  ["function_call", "tool_calls"],
  ["content_filter", "refusal"],
]);

/** Most tools one answer may call, OpenAI's own limit. */
const MAX_TOOL_CALLS = 128;

interface OpenCall {
  readonly key: number;
  id: string;
  name: string;
  input: string;
}

/**
 * Source: https://platform.openai.com/docs/api-reference/chat-streaming
 *
 * @param finished - True when the end of the stream was marked with `[DONE]`.
 * @param estimate - Usage for an answer of this text, from servers that do not count.
 * @param model - Id of the model, for the thoughts that have to be handed back to it.
 */
export function createReader(
  finished: () => boolean,
  estimate: (output: string) => Usage,
  model = "",
): ReplyReader {
  /** In the order they were begun. */
  const calls: OpenCall[] = [];
  const split = new ThoughtSplitter();
  let thought = "";
  let text = "";
  let refused = false;
  let finish: string | undefined;
  let usage: Usage | undefined;

  /** The call a delta belongs to. Some servers leave the index out: then a new id begins a new call. */
  function callOf(delta: CallDelta): OpenCall {
    const last = calls.at(-1);
    const found =
      delta.index === undefined || delta.index === null
        ? calls.findLast(({ id }) => !delta.id || id === delta.id)
        : calls.find(({ key }) => key === delta.index);
    if (found !== undefined) return found;
    if (calls.length >= MAX_TOOL_CALLS) {
      throw new GatewayError("bad_response", "More tool calls than an answer can hold");
    }
    const made = { key: delta.index ?? (last?.key ?? -1) + 1, id: "", name: "", input: "" };
    calls.push(made);
    return made;
  }

  function grow(delta: CallDelta): void {
    const call = callOf(delta);
    // Set, not added: some servers repeat id and name with every piece.
    if (delta.id) call.id = delta.id;
    if (delta.function?.name) call.name = delta.function.name;
    call.input += delta.function?.arguments ?? "";
  }

  function readChoice(choice: Choice): ModelEvent[] {
    if (choice.finish_reason) finish = choice.finish_reason;
    return choice.delta ? readDelta(choice.delta) : [];
  }

  function readDelta(delta: NonNullable<Choice["delta"]>): ModelEvent[] {
    for (const call of delta.tool_calls ?? []) grow(call);
    const refusal = delta.refusal ?? "";
    if (refusal !== "") refused = true;
    const { reasoning_content: written, reasoning } = delta;
    const inline = split.push(delta.content ?? "");
    thought += written ?? "";
    return say(`${written ?? reasoning ?? ""}${inline.thought}`, inline.text + refusal);
  }

  function say(thinking: string, delta: string): ModelEvent[] {
    text += delta;
    return [
      ...(thinking === "" ? [] : [{ type: "thinking", delta: thinking } as const]),
      ...(delta === "" ? [] : [{ type: "text", delta } as const]),
    ];
  }

  function thoughts(): ModelEvent[] {
    const block = { model, kind: "plain", text: thought, seal: "" } as const;
    return thought === "" ? [] : [{ type: "thought", block }];
  }

  function stopOf(): StopReason {
    if (refused) return "refusal";
    const stop = STOPS.get(finish ?? "stop") ?? "end";
    // Ollama and others say `stop` after tool calls, and some say nothing at all.
    return stop === "end" && calls.length > 0 ? "tool_calls" : stop;
  }

  function toolCalls(): ModelEvent[] {
    return calls.map(({ key, id, name, input }) => ({
      type: "tool_call",
      call: { id: id === "" ? `call_${key}` : id, name, input },
    }));
  }

  return {
    push(raw) {
      const parsed = Chunk.safeParse(raw);
      if (!parsed.success) throw new GatewayError("bad_response", z.prettifyError(parsed.error));
      const { choices, usage: counted } = parsed.data;
      if (counted) usage = usageOf(counted);
      // We ask for one choice; Azure sends chunks with none.
      const choice = choices?.[0];
      return choice === undefined ? [] : readChoice(choice);
    },
    end() {
      const left = split.end();
      const rest = say(left.thought, left.text);
      const complete = finish !== undefined || (finished() && (text !== "" || calls.length > 0));
      if (!complete || finish === "error") return [];
      const written = text + calls.map(({ input }) => input).join("");
      return [
        ...rest,
        ...thoughts(),
        ...toolCalls(),
        { type: "done", stop: stopOf(), usage: usage ?? estimate(thought + written) },
      ];
    },
    spent: () => usage,
  };
}

/** A part that is zero is left out, as most servers do. */
function usageOf(counted: Counted): Usage {
  const { cached_tokens: read, cache_write_tokens: written } = counted.prompt_tokens_details ?? {};
  const thought = counted.completion_tokens_details?.reasoning_tokens;
  return {
    inputTokens: counted.prompt_tokens ?? 0,
    outputTokens: counted.completion_tokens ?? 0,
    ...(read ? { cacheReadTokens: read } : {}),
    ...(written ? { cacheWriteTokens: written } : {}),
    ...(thought ? { reasoningTokens: thought } : {}),
  };
}
