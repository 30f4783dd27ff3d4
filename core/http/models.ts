/** The model list of the OpenAI API: its models are our agents. Pure. */
import { agentOf, type HttpAgents, MAIN_NAMES } from "./agents.ts";

/** Names the model behind an answer: `anthropic/…`, or `demo/echo` when no provider is set up. */
export const MODEL_HEADER = "X-Sallyport-Model";

/** Source: https://platform.openai.com/docs/api-reference/models/list */
export function listModels(agents: HttpAgents): object {
  const ids = agents.list().map(({ id }) => `openclaw/${id}`);
  return {
    object: "list",
    data: [...new Set([...MAIN_NAMES, ...ids])].map((id) => describeModel(id, agents)),
  };
}

/** @throws GatewayError model_not_found for a name that stands for no agent. */
export function describeModel(id: string, agents: HttpAgents): object {
  const { id: agent, name, model } = agentOf(id, agents);
  return {
    id,
    object: "model",
    created: 0,
    owned_by: "openclaw",
    permission: [],
    // Ours; OpenAI clients ignore what they do not know.
    sallyport: { agent, name: name ?? agent, model: model.id, demo: model.demo },
  };
}
