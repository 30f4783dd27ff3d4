/**
 * Embeddings of a provider that has them.
 *
 * Source: https://platform.openai.com/docs/api-reference/embeddings/create
 */
import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import type { Embedder } from "../models/embedder.ts";
import { embedMetered } from "../models/meter.ts";
import type { Prices } from "../models/prices.ts";
import type { ModelCall } from "../store/usage.ts";
import type { Caller } from "../tunnel/handlers.ts";
import type { HttpAgents } from "./agents.ts";
import { MODEL_HEADER } from "./models.ts";
import { readJson } from "./read-json.ts";
import { parseBody, refusal } from "./refusal.ts";
import { SELECT_HEADERS, selectionOf } from "./selection.ts";

/** OpenAI's own limit. */
const MAX_INPUTS = 2_048;
/** Characters of one input: well above the 8,192 tokens that models take. */
const MAX_INPUT_CHARS = 100_000;
/** The same as tokens. */
const MAX_INPUT_TOKENS = 32_768;

const INPUT = "must be text, a list of texts, tokens, or a list of lists of tokens, none empty";
const Text = z.string().min(1).max(MAX_INPUT_CHARS);
const Tokens = z.array(z.int().min(0)).min(1).max(MAX_INPUT_TOKENS);

export const EmbeddingRequest = z.object({
  model: z.string().min(1, { error: "must name a model" }),
  input: z.union(
    [Text, z.array(Text).min(1).max(MAX_INPUTS), Tokens, z.array(Tokens).min(1).max(MAX_INPUTS)],
    { error: INPUT },
  ),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().min(1).max(65_536).nullish(),
  user: z.string().nullish(),
});

export interface EmbeddingParts {
  readonly agents: HttpAgents;
  /** `provider/model` for whoever names an agent; undefined: none is set up. */
  readonly defaultRef: () => string | undefined;
  /** @throws GatewayError for a name that stands for no embedding model. */
  readonly create: (ref: string) => Promise<Embedder>;
  /** Of `provider/model`; undefined: not known. */
  readonly pricesOf: (ref: string) => Prices | undefined;
  /** Keeps what was used for an agent. */
  readonly keep: (agentId: string, call: ModelCall) => Promise<void>;
  /** Unix ms. */
  readonly now: () => number;
}

/** Answers `POST /v1/embeddings`. @throws GatewayError */
export async function createEmbedding(
  request: Request,
  caller: Caller,
  parts: EmbeddingParts,
): Promise<Response> {
  const order = parseBody(EmbeddingRequest, await readJson(request));
  const { ref, agentId } = choiceOf(order.model, request.headers, caller, parts);
  const embedder = await parts.create(ref);
  const asked = { input: inputsOf(order.input), dimensions: order.dimensions ?? undefined };
  const { vectors, inputTokens } = await embedMetered(embedder, asked, request.signal, {
    ...parts,
    keep: (call) => parts.keep(agentId, call),
  });
  const encode =
    order.encoding_format === "base64" ? toBase64 : (vector: readonly number[]) => vector;
  return Response.json(
    {
      object: "list",
      data: vectors.map((vector, index) => ({
        object: "embedding",
        index,
        embedding: encode(vector),
      })),
      model: order.model,
      usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
    },
    { headers: { [MODEL_HEADER]: embedder.id } },
  );
}

/**
 * The owner may name any model of any provider; an agent's name, and its own without the provider,
 * stand for the one that is set up.
 */
function choiceOf(
  model: string,
  headers: Headers,
  caller: Caller,
  { agents, defaultRef }: EmbeddingParts,
): { readonly ref: string; readonly agentId: string } {
  const isRef = model.includes("/") && !model.startsWith("openclaw/");
  const isOwner = caller.principal.scopes.includes("operator");
  if (isRef && isOwner) return { ref: model, agentId: agents.main().id };
  const usual = defaultRef();
  // Whatever agent it names: there is nothing that stands behind it.
  if (usual === undefined && !headers.has(SELECT_HEADERS.model)) throw noneSetUp(isOwner);
  const isUsual = usual !== undefined && usual.slice(usual.indexOf("/") + 1) === model;
  const selection = selectionOf(headers, isUsual ? "openclaw" : model, caller, agents);
  const ref = selection.model ?? usual;
  if (ref === undefined) throw noneSetUp(isOwner);
  return { ref, agentId: selection.agent.id };
}

function noneSetUp(isOwner: boolean): GatewayError {
  const setting = "`agents.defaults.memorySearch`";
  const message = isOwner
    ? `No embedding model is set up: name one as \`provider/model\`, like \`openai/text-embedding-3-small\`, or set ${setting}`
    : `No embedding model is set up: the owner sets ${setting}`;
  return new GatewayError("invalid_request", message, { param: "model" });
}

function inputsOf(
  input: z.output<typeof EmbeddingRequest>["input"],
): readonly string[] | readonly (readonly number[])[] {
  if (typeof input === "string") return [input];
  const texts = input.filter((one) => typeof one === "string");
  if (texts.length === input.length) return texts;
  const lists = input.filter((one) => Array.isArray(one));
  if (lists.length === input.length) return lists;
  const numbers = input.filter((one) => typeof one === "number");
  if (numbers.length === input.length) return [numbers];
  throw refusal("input", INPUT);
}

/** Little-endian float32, as OpenAI has it. */
function toBase64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString("base64");
}
