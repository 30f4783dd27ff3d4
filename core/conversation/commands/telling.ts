/** Commands that tell something. */
import { agentIdOf } from "../../store/session-key.ts";
import type { SessionInfo } from "../../store/session.ts";
import type { AgentSettings } from "../../agents/directory.ts";
import { queueRules } from "../queue.ts";
import { shown } from "./choices.ts";
import { type CommandParts, type Outcome, type Said, say } from "./host.ts";
import * as text from "./text.ts";

/** Messages looked at to say what the model is given. */
const CONTEXT_MESSAGES = 1_000;

export function whoami({ from, standing, sessionKey }: Said): Outcome {
  if (from === undefined)
    return say(`You are a client of the gateway, in session \`${sessionKey}\`.`);
  const { channel, sender, senderName } = from;
  const role = standing === "owner" ? "You are an owner." : "You are not listed as an owner.";
  return say(
    `${senderName}, your id here is \`${channel}:${sender}\`. ${role}\nSession \`${sessionKey}\``,
  );
}

export async function usage(said: Said, parts: CommandParts): Promise<Outcome> {
  const info = await parts.store.sessions.find(said.sessionKey);
  const { inputTokens = 0, outputTokens = 0, costUsd, settings = {} } = info ?? {};
  const cost = costUsd === undefined ? "" : `, about $${costUsd.toFixed(4)}`;
  const used = `This session: ${text.count(inputTokens)} tokens in, ${text.count(outputTokens)} out${cost}.`;
  return say(`${used}\n${shown("usage", settings, "off")}`);
}

export async function models(args: string, said: Said, parts: CommandParts): Promise<Outcome> {
  const listed = parts.host().models(agentIdOf(said.sessionKey));
  const { ref } = await inUse(said, parts);
  return say(text.modelsText(listed, args, ref));
}

/** The agent as it answers in a session. */
export async function inUse(
  { sessionKey: key }: Said,
  { store, agent, host }: CommandParts,
): Promise<{
  readonly info: SessionInfo | undefined;
  readonly agent: AgentSettings;
  readonly ref: string | undefined;
  readonly contextWindow: number | undefined;
}> {
  const info = await store.sessions.find(key);
  const chosen = info?.settings["model"];
  const wanted = typeof chosen === "string" ? chosen : undefined;
  const agentId = agentIdOf(key);
  const own = await agent(agentId, undefined, key);
  const ref = wanted ?? own.models[0]?.id;
  const listed = host()
    .models(agentId)
    .find((one) => one.ref === ref);
  return { info, agent: own, ref, contextWindow: listed?.contextWindow };
}

export async function status(said: Said, parts: CommandParts): Promise<Outcome> {
  const { host, runs, queue, now } = parts;
  const { version, startedAt, edge } = host();
  const { sessionKey, from } = said;
  const agentId = agentIdOf(sessionKey);
  const { info, agent, ref, contextWindow } = await inUse(said, parts);
  const active = runs.active(sessionKey).filter(({ id }) => id !== said.id);
  return say(
    text.statusText({
      version,
      startedAt,
      edge: edge(),
      agentId,
      sessionKey,
      info,
      model: ref,
      contextWindow,
      ...(ref === undefined ? {} : wishesOf(agent, ref)),
      queue: queueRules(info?.settings ?? {}, queue(), from?.channel).mode,
      activeRuns: active.length,
      now: now(),
    }),
  );
}

/** What its agent wishes of a model, where the session wishes nothing. */
export function wishesOf(
  { thinking, fast }: AgentSettings,
  ref: string,
): { readonly think?: string; readonly fast?: string } {
  const [level, isFast] = [thinking?.(ref), fast?.(ref)];
  return {
    ...(level === undefined ? {} : { think: level }),
    ...(isFast === undefined ? {} : { fast: isFast ? "on" : "off" }),
  };
}

export async function context(said: Said, parts: CommandParts): Promise<Outcome> {
  const { info, agent, contextWindow } = await inUse(said, parts);
  const opening = await parts.store.sessions.opening(said.sessionKey, CONTEXT_MESSAGES);
  const units = opening.messages.reduce((sum, { message }) => sum + message.text.length, 0);
  return say(
    text.contextText({
      systemUnits: agent.system.length,
      tools: agent.tools.length,
      summaryUnits: opening.summary?.length,
      messages: opening.messages.length,
      messageUnits: units,
      contextTokens: info?.contextTokens ?? 0,
      contextWindow,
    }),
  );
}

export async function tools(said: Said, parts: CommandParts): Promise<Outcome> {
  const { agent } = await inUse(said, parts);
  return say(text.toolsText(agent.tools.map(({ spec }) => spec.name)));
}
