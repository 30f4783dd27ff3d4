/** Texts as vectors. */

export interface EmbedRequest {
  /** Texts, or texts as tokens of the model. At least one. */
  readonly input: readonly string[] | readonly (readonly number[])[];
  /** Length of the vectors; undefined: the model's own. */
  readonly dimensions: number | undefined;
}

export interface Embedded {
  /** One for each input, in its order. */
  readonly vectors: readonly (readonly number[])[];
  readonly inputTokens: number;
}

/** A model that embeds: one provider, one model id. */
export interface Embedder {
  /** `provider/model`. */
  readonly id: string;
  /** @throws GatewayError as the failures of a `Model` are called. No retries inside. */
  embed(request: EmbedRequest, signal: AbortSignal): Promise<Embedded>;
}
