import { GatewayError } from "../../../shared/errors.ts";
import { agentIdOf } from "../../store/session-key.ts";
import type { SessionSettings, Setting } from "../../store/session.ts";
import type { AgentSettings } from "../../agents/directory.ts";

export interface ModelParts {
  readonly agent: (
    agentId: string,
    model?: string,
    sessionKey?: string,
  ) => AgentSettings | Promise<AgentSettings>;
  /** Of the session. */
  readonly settings: SessionSettings;
}

/** What `/model` with these words does; `settings` undefined: nothing. */
export interface ModelChoice {
  readonly settings: Readonly<Record<string, Setting | null>> | undefined;
  readonly said: string;
}

const SCOPES = {
  session: new Set(["-s", "--session"]),
  config: new Set(["-a", "--agent", "-g", "--global"]),
} as const;

/** Shows the model of a session, or what choosing another one changes. */
export async function chooseModel(
  args: string,
  sessionKey: string,
  { agent, settings }: ModelParts,
): Promise<ModelChoice> {
  const words = args.split(/\s+/).filter((word) => word !== "");
  if (words.some((word) => SCOPES.config.has(word))) {
    return said("A default is set in the config: `sallyport models set <provider/model>`.");
  }
  const [name, ...rest] = words.filter((word) => !SCOPES.session.has(word));
  if (rest.length > 0) return said("A model has one name: `/model <provider/model>`.");
  const agentId = agentIdOf(sessionKey);
  if (name === undefined) return said(await currentText(agentId, sessionKey, { agent, settings }));
  if (name.toLowerCase() === "default") {
    const ref = await refOf(agentId, undefined, sessionKey, agent);
    return { settings: { model: null }, said: `Model: ${ref}, as by default.` };
  }
  try {
    const ref = await refOf(agentId, name, sessionKey, agent);
    return { settings: { model: ref }, said: `Model of this session: ${ref}.` };
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code === "overloaded") throw error;
    return said(`⚠️ ${error.message}\nNothing has changed. \`/models\` has those there are.`);
  }
}

async function currentText(
  agentId: string,
  sessionKey: string,
  { agent, settings }: ModelParts,
): Promise<string> {
  const chosen = settings["model"];
  const isChosen = typeof chosen === "string";
  const ref = isChosen ? chosen : await refOf(agentId, undefined, sessionKey, agent);
  const why = isChosen ? "chosen for this session" : "the agent's own";
  return `Model: ${ref} (${why}).\nChoose: \`/model <provider/model>\`; go back: \`/model default\`; see all: \`/models\``;
}

async function refOf(
  agentId: string,
  name: string | undefined,
  sessionKey: string,
  agent: ModelParts["agent"],
): Promise<string> {
  const { models } = await agent(agentId, name, sessionKey);
  return models[0]?.id ?? name ?? "none";
}

function said(text: string): ModelChoice {
  return { settings: undefined, said: text };
}
