/**
 * Sessions that are made for one request or one delivery. Nobody can name them again, so they are
 * of use to people who look back, and only for a while. Pure.
 */

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
/** A chat completion that names no user; a webhook to the agent, whose id stands behind its route; a job that runs apart. */
const EPHEMERAL = new RegExp(`^agent:[^:]+:(?:openai:${UUID}$|hook:agent:|cron:[^:]+:run:)`);

/**
 * The session of a request that names none.
 *
 * @param id - A UUID of its own.
 */
export function requestSessionKey(agent: string, id: string): string {
  return `agent:${agent}:openai:${id}`;
}

/** The agent that a session belongs to; `main` for one that names none. */
export function agentIdOf(sessionKey: string): string {
  return /^agent:(?<agent>[^:]+):/.exec(sessionKey)?.groups?.["agent"] ?? "main";
}

/** Names that stand for the owner's own session, whatever agent is meant. */
const MAIN = "main";

/**
 * The whole name of a session that is called by a part of it: `main` and anything else that does
 * not begin with `agent:` belong to an agent, and are in lower case. A whole name is taken as it
 * stands, but for its agent: there are sessions of webhooks and users with capitals in them.
 *
 * @param agentId - Whose session it is unless the key says so.
 */
export function canonicalSessionKey(key: string, agentId: string): string {
  const trimmed = key.trim();
  const whole = /^agent:(?<agent>[^:]+):(?<rest>.+)$/i.exec(trimmed)?.groups;
  if (whole !== undefined) {
    return `agent:${(whole["agent"] ?? agentId).toLowerCase()}:${whole["rest"] ?? MAIN}`;
  }
  return `agent:${agentId}:${trimmed === "" ? MAIN : trimmed.toLowerCase()}`;
}

/** Whether the session may be forgotten once it has not been used for a while. */
export function isEphemeral(sessionKey: string): boolean {
  return EPHEMERAL.test(sessionKey);
}
