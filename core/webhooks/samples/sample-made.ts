/** What makers of sample webhooks are given, and give. */

/** One sample, before it is bytes. */
export interface Made {
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** As a form instead of JSON. */
  readonly isForm?: boolean;
  readonly isHandshake?: boolean;
}

/** What a sample is made of: an id nobody has used, and the time, Unix ms. */
export interface SampleSeed {
  readonly id: string;
  readonly now: number;
}

export type Maker = (event: string, seed: SampleSeed) => Made;

export const SAMPLE_TEXT = "A sample from sallyport webhooks test";

/** Unix ms to seconds. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
