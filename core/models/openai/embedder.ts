import { GatewayError } from "../../../shared/errors.ts";
import type { Embedded, Embedder, EmbedRequest } from "../embedder.ts";
import { failureOf, type ModelFault } from "../failure.ts";
import type { AdapterSettings } from "../settings.ts";
import { estimateTokens } from "../tokens.ts";
import { Watch } from "../watch.ts";
import { createClient, faultOf } from "./model.ts";

/** Any server that speaks OpenAI's embeddings. */
export function createOpenAiEmbedder(settings: AdapterSettings): Embedder {
  const { provider, model } = settings;
  return {
    id: `${provider}/${model}`,

    async embed(request, signal): Promise<Embedded> {
      using watch = new Watch(signal, settings.timeouts);
      try {
        const answer = await createClient(settings, watch).embeddings.create(
          {
            model,
            input: inputOf(request),
            // Left out, the SDK asks for base64, which not every server knows.
            encoding_format: "float",
            ...(request.dimensions === undefined ? {} : { dimensions: request.dimensions }),
          },
          { signal: watch.signal },
        );
        const vectors = vectorsOf(answer.data, request.input.length);
        if (vectors === undefined) throw errorOf({ kind: "unreadable" }, settings);
        return { vectors, inputTokens: answer.usage?.prompt_tokens ?? estimate(request) };
      } catch (error) {
        if (error instanceof GatewayError) throw error;
        throw errorOf(watch.fault ?? faultOf(error), settings);
      }
    },
  };
}

function inputOf({ input }: EmbedRequest): string[] | number[][] {
  const texts = input.filter((one) => typeof one === "string");
  if (texts.length === input.length) return texts;
  return input.flatMap((one) => (typeof one === "string" ? [] : [[...one]]));
}

/** In the order of the input. Typed by the SDK, but made by any server: looked at before it is used. */
function vectorsOf(
  data: readonly { readonly index?: unknown; readonly embedding?: unknown }[] | undefined,
  count: number,
): number[][] | undefined {
  if (!Array.isArray(data) || data.length !== count) return undefined;
  const vectors = new Map<number, number[]>();
  for (const { index, embedding } of data) {
    if (typeof index !== "number" || !Array.isArray(embedding)) return undefined;
    const numbers = embedding.filter((one): one is number => Number.isFinite(one));
    if (numbers.length !== embedding.length) return undefined;
    vectors.set(index, numbers);
  }
  const inOrder = Array.from({ length: count }, (_, index) => vectors.get(index));
  return inOrder.every((vector) => vector !== undefined) ? inOrder : undefined;
}

function estimate({ input }: EmbedRequest): number {
  return input.reduce<number>(
    (sum, one) => sum + (typeof one === "string" ? estimateTokens(one) : one.length),
    0,
  );
}

function errorOf(fault: ModelFault, settings: AdapterSettings): GatewayError {
  const { code, message, retryAfterMs } = failureOf(fault, settings);
  return new GatewayError(code, message, { retryAfterMs });
}
