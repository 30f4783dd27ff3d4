/**
 * Sessions that are made for one request or one delivery. Nobody can name them again, so they are
 * of use to people who look back, and only for a while. Pure.
 */

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
/** A chat completion that names no user; a webhook to the agent, whose id stands behind its route. */
const EPHEMERAL = new RegExp(`^agent:[^:]+:(?:openai:${UUID}$|hook:agent:)`);

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

/** Whether the session may be forgotten once it has not been used for a while. */
export function isEphemeral(sessionKey: string): boolean {
  return EPHEMERAL.test(sessionKey);
}
