import type { Secret } from "../../shared/secret.ts";

/** The model that needs no provider: it answers when nothing else is configured. */
export const DEMO_REF = "demo/echo";

/** The two wire formats that nearly every provider speaks one of. */
export type ModelApi = "anthropic-messages" | "openai-completions";

/** What the config says of one model of a provider. */
export interface ModelFacts {
  readonly reasoning?: boolean | undefined;
  /** Efforts it takes, as the provider calls them. */
  readonly efforts?: readonly string[] | undefined;
  /** Most tokens of one answer. */
  readonly maxTokens?: number | undefined;
}

/** One provider, as the config file describes it. Plain data; what is left out has a default. */
export interface Provider {
  readonly api: ModelApi;
  /** Left out: the server asks for none (Ollama, vLLM, LM Studio). */
  readonly apiKey?: Secret | undefined;
  /** Left out: the vendor's own, for the providers we know by name. */
  readonly baseUrl?: string | undefined;
  readonly firstByteTimeoutMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
  /** By the provider's own name for the model. Left out: nothing is said of any. */
  readonly modelFacts?: Readonly<Record<string, ModelFacts>> | undefined;
}

/** Provider id, the part of a model's name before the first slash, to what it is. */
export type ProviderSettings = Readonly<Record<string, Provider>>;

export interface ModelTimeouts {
  /** From the request to the first byte of the answer's body: a reasoning model thinks here. */
  readonly firstByteMs: number;
  /** From one byte to the next; keep-alive comments and pings count. */
  readonly idleMs: number;
}

/** Long enough for a local server to load its model, short enough to notice a dead one. */
export const MODEL_TIMEOUTS: ModelTimeouts = { firstByteMs: 120_000, idleMs: 60_000 };

/** What an adapter needs to know to talk to one model of one provider. */
export interface AdapterSettings {
  readonly provider: string;
  /** The provider's own name for the model. */
  readonly model: string;
  readonly apiKey: Secret | undefined;
  /** Checked: http or https, no user info. */
  readonly baseUrl: string;
  readonly timeouts: ModelTimeouts;
  readonly facts?: ModelFacts | undefined;
  /** Unix time, milliseconds: a `Retry-After` may be a date. */
  readonly now: () => number;
}
