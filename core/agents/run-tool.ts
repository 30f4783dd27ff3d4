/** One call of a tool: whatever happens, the model gets a text it can act on. */
import { parseToolInput } from "../models/tool-input.ts";
import type { ToolCall } from "../store/message.ts";
import type { Tool } from "./tool.ts";

export interface ToolOutcome {
  readonly text: string;
  /** False when the tool did not run to its end. */
  readonly ok: boolean;
  /** What it threw, for the log; the model and the user never see it. */
  readonly cause: unknown;
}

/** Cut of what is quoted back of a malformed input. */
const MAX_QUOTE_CHARS = 200;

/**
 * Runs `call` with the tool of its name.
 *
 * @param maxBytes - UTF-8 bytes of the output that are kept.
 * @returns Undefined when `signal` aborted before the tool was done; the tool may still be ending.
 */
export async function runTool(
  call: ToolCall,
  tools: readonly Tool[],
  signal: AbortSignal,
  maxBytes: number,
): Promise<ToolOutcome | undefined> {
  const tool = tools.find(({ spec }) => spec.name === call.name);
  if (tool === undefined) {
    const names = tools.map(({ spec }) => spec.name).join(", ") || "none";
    return refused(`There is no tool "${call.name.slice(0, MAX_QUOTE_CHARS)}". Tools: ${names}.`);
  }
  const input = parseToolInput(call);
  if (!input.ok) {
    const what = input.error.reason === "not_json" ? "not valid JSON" : "not a JSON object";
    return refused(`The input is ${what}: ${call.input.slice(0, MAX_QUOTE_CHARS)}`);
  }
  try {
    const output = await unlessAborted(tool.run(input.value, signal), signal);
    return output === undefined
      ? undefined
      : { text: cutOutput(output, maxBytes), ok: true, cause: undefined };
  } catch (cause) {
    if (signal.aborted) return undefined;
    // What it threw may hold paths, URLs or secrets.
    return { text: "The tool failed. The operator's log says why.", ok: false, cause };
  }
}

function refused(text: string): ToolOutcome {
  return { text, ok: false, cause: undefined };
}

/** `work`, or undefined as soon as `signal` aborts: a tool that ignores its signal holds up nobody. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const onAbort = () => resolve(undefined);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** At most `maxBytes` of `text` in UTF-8, whole characters, with a note when some of it is missing. */
export function cutOutput(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.byteLength <= maxBytes) return text;
  let end = maxBytes;
  // 10xxxxxx is the inside of a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  const note = `[cut: ${bytes.byteLength - end} of ${bytes.byteLength} bytes are missing]`;
  return `${bytes.toString("utf8", 0, end)}\n${note}`;
}
