/** What OpenClaw's transcripts say that an answer took. Pure. */
import * as z from "zod";
import type { ToolCall } from "../store/message.ts";
import type { Cost, ModelCall } from "../store/usage.ts";

const Count = z.number().min(0).optional().catch(undefined);
const Name = z.string().min(1).max(256).optional().catch(undefined);

/** Of a message of an assistant: all of it may be missing, or be something else. */
export const SpentFields = {
  provider: Name,
  model: Name,
  stopReason: Name,
  usage: z
    .object({
      input: Count,
      output: Count,
      cacheRead: Count,
      cacheWrite: Count,
      cost: z
        .object({
          input: Count,
          output: Count,
          cacheRead: Count,
          cacheWrite: Count,
          total: Count,
        })
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
};
const Spent = z.object(SpentFields).extend({ role: z.string() });
type Spent = z.output<typeof Spent>;

/** A call, and how many messages were said before it. */
export interface Spending {
  readonly place: number;
  readonly call: ModelCall;
}

const FAILED: ReadonlySet<string> = new Set(["error", "aborted", "timeout"]);

/**
 * @param at - Unix ms; 0: not known.
 * @returns Undefined when it does not say what it took, of which model, or when.
 */
export function callOf(
  { role, provider, model, stopReason = "stop", usage }: Spent,
  tools: readonly ToolCall[],
  at: number,
): ModelCall | undefined {
  if (role !== "assistant" || usage === undefined || model === undefined || at === 0) {
    return undefined;
  }
  const { input = 0, output = 0, cacheRead = 0, cacheWrite = 0 } = usage;
  if (input + output + cacheRead + cacheWrite === 0) return undefined;
  return {
    at,
    // Nobody has written down how long it took.
    durationMs: 0,
    model: `${provider ?? "unknown"}/${model}`,
    ok: !FAILED.has(stopReason),
    usage: {
      inputTokens: input + cacheRead + cacheWrite,
      outputTokens: output,
      cacheReadTokens: cacheRead,
      cacheWriteTokens: cacheWrite,
    },
    cost: costOf(usage),
    tools: tools.map(({ name }) => name),
  };
}

/** Of models without a price, all of it is zero there. */
function costOf({ cost }: NonNullable<Spent["usage"]>): Cost | undefined {
  const { input = 0, output = 0, cacheRead = 0, cacheWrite = 0 } = cost ?? {};
  return input + output + cacheRead + cacheWrite > 0
    ? { input, output, cacheRead, cacheWrite }
    : undefined;
}
