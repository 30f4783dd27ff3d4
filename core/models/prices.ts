/** What calls of models cost. Pure. */
import type { Usage } from "../store/message.ts";
import type { Cost, TokenSums } from "../store/usage.ts";

/** US dollars for a million tokens. */
export interface Prices {
  readonly input?: number | undefined;
  readonly output?: number | undefined;
  readonly cacheRead?: number | undefined;
  readonly cacheWrite?: number | undefined;
}

const TOKENS_PER_PRICE = 1_000_000;

/**
 * Undefined: some of it has no price. Where caching has none of its own, it costs what input
 * costs: rather too much than nothing.
 */
export function costOfTokens(tokens: TokenSums, prices: Prices | undefined): Cost | undefined {
  if (prices === undefined || !isPriced(tokens, prices)) return undefined;
  const { input = 0, output = 0 } = prices;
  const { cacheRead = input, cacheWrite = input } = prices;
  return {
    input: (tokens.input * input) / TOKENS_PER_PRICE,
    output: (tokens.output * output) / TOKENS_PER_PRICE,
    cacheRead: (tokens.cacheRead * cacheRead) / TOKENS_PER_PRICE,
    cacheWrite: (tokens.cacheWrite * cacheWrite) / TOKENS_PER_PRICE,
  };
}

/** Models that embed write nothing: what they would take for it need not be known. */
function isPriced(tokens: TokenSums, { input, output }: Prices): boolean {
  const read = tokens.input + tokens.cacheRead + tokens.cacheWrite;
  return (input !== undefined || read === 0) && (output !== undefined || tokens.output === 0);
}

/** Input apart from what was found in a cache or put there. */
export function tokensOf(usage: Usage): TokenSums {
  const { cacheReadTokens: cacheRead = 0, cacheWriteTokens: cacheWrite = 0 } = usage;
  const input = Math.max(0, usage.inputTokens - cacheRead - cacheWrite);
  return { input, output: usage.outputTokens, cacheRead, cacheWrite };
}

export function totalUsd({ input, output, cacheRead, cacheWrite }: Cost): number {
  return input + output + cacheRead + cacheWrite;
}
