/** How much fits into models that are known by name, in tokens. Pure. */
import { claudeTraits } from "./claude.ts";

export interface ModelWindow {
  readonly contextWindow: number;
  readonly maxTokens: number;
}

/**
 * The first row that fits counts. A model that is not here says nothing about itself: then the
 * config may (`models.providers.<id>.models[].contextWindow`).
 *
 * Source: the page of each model of its maker.
 */
const KNOWN: readonly (readonly [RegExp, number, number])[] = [
  [/(?:^|\/)gpt-5(?:\.\d+)?-chat/, 128_000, 16_384],
  [/(?:^|\/)gpt-(?:5\.[4-9]|[6-9])(?!.*(?:mini|nano))/, 1_050_000, 128_000],
  [/(?:^|\/)gpt-5/, 400_000, 128_000],
  [/(?:^|\/)gpt-4\.1/, 1_047_576, 32_768],
  [/(?:^|\/)gpt-4o/, 128_000, 16_384],
  [/(?:^|\/)gpt-4-turbo/, 128_000, 4_096],
  [/(?:^|\/)gpt-oss/, 131_072, 131_072],
  [/(?:^|\/)o1-mini/, 128_000, 65_536],
  [/(?:^|\/)o[134](?:-|$)/, 200_000, 100_000],
  [/(?:^|\/)gemini-(?:[3-9]|2\.5)/, 1_048_576, 65_536],
  [/(?:^|\/)gemini-2\.0/, 1_048_576, 8_192],
];

/** Undefined: not known. */
export function windowOf(model: string): ModelWindow | undefined {
  const name = model.toLowerCase();
  const claude = claudeTraits(name);
  if (claude !== undefined) {
    const { contextWindow, maxTokens } = claude;
    return { contextWindow, maxTokens };
  }
  const row = KNOWN.find(([pattern]) => pattern.test(name));
  return row && { contextWindow: row[1], maxTokens: row[2] };
}
