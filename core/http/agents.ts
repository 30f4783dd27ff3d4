/** Agents as the HTTP API names them: its models are our agents. Pure. */
import { GatewayError } from "../../shared/errors.ts";
import type { Model } from "../models/model.ts";

/** What answers, for people: every surface that names the model says whether it is the demo. */
export type ModelIdentity = Pick<Model, "id" | "demo">;

export interface HttpAgent {
  readonly id: string;
  /** What people call it; undefined: its id. */
  readonly name: string | undefined;
  /** The first of its models. */
  readonly model: ModelIdentity;
}

/** All agents as they are now; asked for every request. */
export interface HttpAgents {
  /** The one for whoever names none. */
  main(): HttpAgent;
  list(): readonly HttpAgent[];
  find(id: string): HttpAgent | undefined;
}

/** What the model list shows for the main agent, whatever its id is. */
export const MAIN_NAMES = ["openclaw", "openclaw/default"] as const;

const PATTERN = /^(?:openclaw[/:]|agent:)(?<agent>[A-Za-z0-9][\w-]{0,63})$/;
const AGENT_ID = /^[A-Za-z0-9][\w-]{0,63}$/;

/**
 * The agent that a model name stands for: `openclaw`, `openclaw/<id>`, `openclaw:<id>`,
 * `agent:<id>`, a bare id, or the name of the model that answers.
 *
 * @throws GatewayError model_not_found. Nothing is ever made for an unknown name.
 */
export function agentOf(model: string, agents: HttpAgents): HttpAgent {
  const main = agents.main();
  if (model === "openclaw" || model === main.model.id) return main;
  const id = PATTERN.exec(model)?.groups?.["agent"];
  const found = agents.find((id ?? model).toLowerCase());
  if (found !== undefined) return found;
  if (id === "default") return main;
  const message =
    id === undefined
      ? "Invalid `model`. Use `openclaw` or `openclaw/<agentId>`."
      : `Unknown agent '${id}'.`;
  throw new GatewayError("model_not_found", message, { param: "model" });
}

/** @throws GatewayError invalid_request for an id that no agent has. */
export function agentById(id: string, agents: HttpAgents, param: string): HttpAgent {
  const found = AGENT_ID.test(id) ? agents.find(id.toLowerCase()) : undefined;
  if (found !== undefined) return found;
  const shown = AGENT_ID.test(id) ? ` '${id}'` : "";
  throw new GatewayError("invalid_request", `Unknown agent${shown}.`, { param });
}
