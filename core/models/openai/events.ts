/** Chunks of a chat completion -> our events. Pure. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { Usage } from "../../store/message.ts";
import type { ModelEvent, StopReason } from "../model.ts";
import type { ReplyReader } from "../reply-reader.ts";

/** Loose on purpose: of the servers that call themselves compatible, each leaves something out. */
const Chunk = z.object({
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            content: z.string().nullish(),
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
      prompt_tokens: z.number().nonnegative().nullish(),
      completion_tokens: z.number().nonnegative().nullish(),
    })
    .nullish(),
});
type Chunk = z.output<typeof Chunk>;
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
 */
export function createReader(
  finished: () => boolean,
  estimate: (output: string) => Usage,
): ReplyReader {
  /** In the order they were begun. */
  const calls: OpenCall[] = [];
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
    for (const call of choice.delta?.tool_calls ?? []) grow(call);
    const refusal = choice.delta?.refusal ?? "";
    if (refusal !== "") refused = true;
    const delta = (choice.delta?.content ?? "") + refusal;
    text += delta;
    return delta === "" ? [] : [{ type: "text", delta }];
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
      if (counted) {
        usage = {
          inputTokens: counted.prompt_tokens ?? 0,
          outputTokens: counted.completion_tokens ?? 0,
        };
      }
      // We ask for one choice; Azure sends chunks with none.
      const choice = choices?.[0];
      return choice === undefined ? [] : readChoice(choice);
    },
    end() {
      const complete = finish !== undefined || (finished() && (text !== "" || calls.length > 0));
      if (!complete || finish === "error") return [];
      const written = text + calls.map(({ input }) => input).join("");
      return [...toolCalls(), { type: "done", stop: stopOf(), usage: usage ?? estimate(written) }];
    },
  };
}
