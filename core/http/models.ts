/** The model list of the OpenAI API: its models are our agents. Pure. */
import type { Model } from "../models/model.ts";
import { agentOf } from "./openai.ts";

/** What answers, for people: every surface that names the model says whether it is the demo. */
export type ModelIdentity = Pick<Model, "id" | "demo">;

/** Names the model behind an answer: `anthropic/…`, or `demo/echo` when no provider is set up. */
export const MODEL_HEADER = "X-Sallyport-Model";

const LISTED = ["openclaw", "openclaw/default", "openclaw/main"] as const;

/** Source: https://platform.openai.com/docs/api-reference/models/list */
export function listModels(model: ModelIdentity): object {
  return { object: "list", data: LISTED.map((id) => entry(id, model)) };
}

/** @throws GatewayError model_not_found for a name that stands for no agent. */
export function describeModel(id: string, model: ModelIdentity): object {
  agentOf(id, model.id);
  return entry(id, model);
}

function entry(id: string, { id: model, demo }: ModelIdentity): object {
  // `sallyport` is ours; OpenAI clients ignore what they do not know.
  return {
    id,
    object: "model",
    created: 0,
    owned_by: "openclaw",
    permission: [],
    sallyport: { model, demo },
  };
}
