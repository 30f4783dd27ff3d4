/**
 * One response as the events of its stream, in the order in which OpenAI sends them. Pure.
 *
 * Source: https://platform.openai.com/docs/api-reference/responses-streaming
 */
import type { ErrorCode } from "../../../shared/errors.ts";
import type { ToolCall } from "../../store/message.ts";
import type { EventText } from "../events.ts";
import {
  begun,
  callId,
  callItem,
  type Ended,
  ended,
  failed,
  messageId,
  messageItem,
  type ResponseHead,
  textPart,
} from "./object.ts";

/** The message stands first, calls behind it. */
const MESSAGE_INDEX = 0;

export class ResponseEvents {
  readonly #head: ResponseHead;
  #sequence = 0;
  /** What was said so far; undefined: the message has not begun. */
  #said: string | undefined;

  constructor(head: ResponseHead) {
    this.#head = head;
  }

  opening(): EventText[] {
    const response = begun(this.#head);
    return [
      this.#event("response.created", { response }),
      this.#event("response.in_progress", { response }),
    ];
  }

  text(delta: string): EventText[] {
    const begin = this.#said === undefined ? this.#beginMessage() : [];
    this.#said = (this.#said ?? "") + delta;
    return [
      ...begin,
      this.#event("response.output_text.delta", { ...this.#place(), delta, logprobs: [] }),
    ];
  }

  /** The end of an answer. */
  ended(end: Ended): EventText[] {
    const response = ended(this.#head, end);
    const begin = this.#said === undefined && end.calls.length === 0 ? this.#beginMessage() : [];
    const said = begin.length > 0 ? "" : this.#said;
    const status = response["status"] === "incomplete" ? "incomplete" : "completed";
    const first = said === undefined ? MESSAGE_INDEX : MESSAGE_INDEX + 1;
    return [
      ...begin,
      ...(said === undefined ? [] : this.#endMessage(said, status)),
      ...end.calls.flatMap((call, index) => this.#call(call, index, first + index)),
      this.#event(`response.${status}`, { response }),
    ];
  }

  failed(error: { readonly code: ErrorCode; readonly message: string }): EventText[] {
    const response = failed(this.#head, this.#said ?? "", error);
    return [this.#event("response.failed", { response })];
  }

  #beginMessage(): EventText[] {
    const item = { ...messageItem(this.#head.key, "", "in_progress"), content: [] };
    return [
      this.#event("response.output_item.added", { output_index: MESSAGE_INDEX, item }),
      this.#event("response.content_part.added", { ...this.#place(), part: textPart("") }),
    ];
  }

  #endMessage(text: string, status: string): EventText[] {
    return [
      this.#event("response.output_text.done", { ...this.#place(), text, logprobs: [] }),
      this.#event("response.content_part.done", { ...this.#place(), part: textPart(text) }),
      this.#event("response.output_item.done", {
        output_index: MESSAGE_INDEX,
        item: messageItem(this.#head.key, text, status),
      }),
    ];
  }

  #call(call: ToolCall, index: number, place: number): EventText[] {
    const item = callItem(this.#head.key, call, index);
    const at = { item_id: callId(this.#head.key, index), output_index: place };
    return [
      this.#event("response.output_item.added", {
        output_index: place,
        item: { ...item, arguments: "", status: "in_progress" },
      }),
      this.#event("response.function_call_arguments.delta", { ...at, delta: call.input }),
      this.#event("response.function_call_arguments.done", {
        ...at,
        name: call.name,
        arguments: call.input,
      }),
      this.#event("response.output_item.done", { output_index: place, item }),
    ];
  }

  #place(): object {
    return { item_id: messageId(this.#head.key), output_index: MESSAGE_INDEX, content_index: 0 };
  }

  #event(event: string, facts: object): EventText {
    const data = JSON.stringify({ type: event, sequence_number: this.#sequence, ...facts });
    this.#sequence += 1;
    return { event, data };
  }
}
