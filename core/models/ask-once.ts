import type { Model, ModelFailure } from "./model.ts";

/** What became of a question to a provider, in the words of the protocol. */
export type ProbeStatus =
  | "ok"
  | "auth"
  | "rate_limit"
  | "timeout"
  | "format"
  | "unknown"
  | "no_model";

export interface ModelProbe {
  readonly status: ProbeStatus;
  readonly latencyMs: number;
  /** Fit for people. */
  readonly error: string | undefined;
}

const STATUS = {
  model_unauthorized: "auth",
  rate_limited: "rate_limit",
  model_timeout: "timeout",
  model_not_found: "no_model",
  invalid_request: "format",
  model_overloaded: "unknown",
  model_failed: "unknown",
  canceled: "timeout",
} as const satisfies Record<ModelFailure["code"], ProbeStatus>;

/** Enough for a word, and hardly any money. */
const PROBE_TOKENS = 16;

/** Asks a model one short question, to see whether it answers. Never rejects. */
export async function askOnce(
  model: Model,
  signal: AbortSignal,
  now: () => number,
): Promise<ModelProbe> {
  const startedAt = now();
  const request = {
    messages: [{ role: "user", text: "Reply with OK." }],
    tools: [],
    temperature: undefined,
    maxOutputTokens: PROBE_TOKENS,
  } as const;
  const said = (status: ProbeStatus, error?: string): ModelProbe => {
    return { status, latencyMs: Math.max(0, now() - startedAt), error };
  };
  for await (const event of model.stream(request, signal)) {
    if (event.type === "failed") return said(STATUS[event.code], event.message);
    if (event.type === "done") return said("ok");
  }
  return said("unknown", "it ended without an answer");
}
