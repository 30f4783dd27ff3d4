/** Which agent, session and model a request is for: its body says, and headers of ours say better. Pure. */
import { GatewayError } from "../../shared/errors.ts";
import { covers } from "../methods/method.ts";
import type { Caller } from "../tunnel/handlers.ts";
import { requestSessionKey } from "../store/session-key.ts";
import { agentById, agentOf, type HttpAgent, type HttpAgents } from "./agents.ts";
import { refusal } from "./refusal.ts";

/** Headers by which OpenClaw's clients choose; all optional. */
export const SELECT_HEADERS = {
  agent: "x-openclaw-agent-id",
  session: "x-openclaw-session-key",
  model: "x-openclaw-model",
  channel: "x-openclaw-message-channel",
} as const;

export interface Selection {
  readonly agent: HttpAgent;
  /** `provider/model` instead of the agent's own. */
  readonly model: string | undefined;
  /** A session that the caller names; undefined: none. Canonical. */
  readonly sessionKey: string | undefined;
  /** Where the caller says that the message came from; a channel id. */
  readonly channel: string | undefined;
}

const SESSION_KEY = /^[^\p{Cc}\s]{1,256}$/u;
const CHANNEL = /^[a-z][a-z0-9_-]{0,31}$/;
/** Sessions that belong to the gateway itself. */
const RESERVED = /^(?:agent:[^:]+:)?(?:subagent|cron|acp):/i;

/**
 * @param model - As the body names it.
 * @throws GatewayError model_not_found, invalid_request, forbidden for what only the owner may choose.
 */
export function selectionOf(
  headers: Headers,
  model: string,
  caller: Caller,
  agents: HttpAgents,
): Selection {
  const byModel = agentOf(model, agents);
  const id = given(headers, SELECT_HEADERS.agent);
  const agent = id === undefined ? byModel : agentById(id, agents, SELECT_HEADERS.agent);
  const named = given(headers, SELECT_HEADERS.session);
  const other = given(headers, SELECT_HEADERS.model);
  const channel = given(headers, SELECT_HEADERS.channel)?.toLowerCase();
  if ((named !== undefined || other !== undefined) && !isOwner(caller)) {
    throw new GatewayError("forbidden", "Only the owner may choose a session or a model by header");
  }
  if (other !== undefined && !mayChooseModel(caller)) {
    throw new GatewayError("forbidden", "Missing scope: operator.admin");
  }
  if (channel !== undefined && !CHANNEL.test(channel)) {
    throw refusal(SELECT_HEADERS.channel, "must be the id of a channel");
  }
  const sessionKey = named === undefined ? undefined : sessionKeyOf(named, agent.id);
  return { agent, model: other, sessionKey, channel };
}

/** Where a turn is kept, and whether it goes on from what is there. */
export interface SessionPlace {
  readonly sessionKey: string;
  readonly continues: boolean;
}

/**
 * The session of a request: the one it names, or that of its user, or one of its own.
 *
 * @param user - As the client calls whoever speaks to it.
 */
export function placeOf(
  { agent, sessionKey }: Selection,
  user: string | undefined,
  caller: Caller,
): SessionPlace {
  if (sessionKey !== undefined) return { sessionKey, continues: true };
  if (user === undefined) {
    return { sessionKey: requestSessionKey(agent.id, crypto.randomUUID()), continues: false };
  }
  // The owner may go on with any conversation; others cannot reach one by naming its user.
  const owner = encodeURIComponent(caller.principal.subject);
  const name = isOwner(caller) ? user : `${owner}:${user}`;
  return { sessionKey: `agent:${agent.id}:openai-user:${name}`, continues: true };
}

/**
 * Whether a turn is the owner's own: one who may do anything goes on with a session they name. A
 * program that shows the owner's token may speak for anybody else.
 */
export function isOwners({ sessionKey }: Selection, caller: Caller): boolean {
  return sessionKey !== undefined && hasAllRights(caller);
}

/** Whether the caller has all the rights that the gateway's owner has. */
export function hasAllRights(caller: Caller): boolean {
  return isOwner(caller) && mayChooseModel(caller);
}

/** As over RPC: any model of any provider, whatever it costs, is for administrators. */
function mayChooseModel({ operatorScopes }: Caller): boolean {
  return operatorScopes === undefined || covers(operatorScopes, "operator.admin");
}

function isOwner({ principal }: Caller): boolean {
  return principal.scopes.includes("operator");
}

function given(headers: Headers, name: string): string | undefined {
  const value = headers.get(name)?.trim();
  return value === "" ? undefined : value;
}

function sessionKeyOf(key: string, agent: string): string {
  const param = SELECT_HEADERS.session;
  if (!SESSION_KEY.test(key)) throw refusal(param, "must be at most 256 characters without spaces");
  if (RESERVED.test(key)) throw refusal(param, "names a session of the gateway itself");
  const canonical = key.toLowerCase();
  if (!canonical.startsWith("agent:")) return `agent:${agent}:${canonical}`;
  if (canonical.startsWith(`agent:${agent}:`) && canonical.length > `agent:${agent}:`.length) {
    return canonical;
  }
  throw refusal(param, "names a session of another agent");
}
