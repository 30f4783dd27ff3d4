import { GatewayError } from "../../shared/errors.ts";
import { problemResponse } from "../../shared/problem.ts";
import { RESUME_PROTOCOL, RESUMING_PROTOCOL } from "../../shared/resume/record.ts";
import type { Caller, TunnelHandlers, Upgrade } from "../tunnel/handlers.ts";
import { readKept } from "./kept.ts";
import { type Accepted, Link, type LinkParts, revive } from "./link.ts";
import type { ResumeSessions } from "./sessions.ts";

const PROTOCOL_HEADER = "Sec-WebSocket-Protocol";

/**
 * The same handlers, whose WebSockets outlive their connections for clients that speak
 * `resume.sallyport.v1`; others notice nothing.
 */
export function resumable(handlers: TunnelHandlers, sessions: ResumeSessions): TunnelHandlers {
  const partsOf = (request: Request, caller: Caller): LinkParts => ({
    sessions,
    owner: ownerOf(caller),
    ask: (protocols) => handlers.upgrade(offering(request, protocols), caller),
  });
  return {
    fetch: (request, caller) => handlers.fetch(request, caller),
    deliver: (delivery) => handlers.deliver(delivery),
    bundle: () => handlers.bundle(),
    upgrade(request, caller) {
      const offered = protocolsOf(request);
      if (!offered.includes(RESUME_PROTOCOL)) return handlers.upgrade(request, caller);
      const own = offered.filter((name) => name !== RESUME_PROTOCOL && name !== RESUMING_PROTOCOL);
      const parts = partsOf(request, caller);
      const refusal = refusalOf(sessions, request, caller);
      if (refusal !== undefined) return Promise.resolve(refusal);
      if (offered.includes(RESUMING_PROTOCOL)) return Promise.resolve(greeting(parts));
      return prepare(handlers.upgrade(offering(request, own), caller), parts);
    },
    async reattach(request, caller, text) {
      if (!protocolsOf(request).includes(RESUME_PROTOCOL)) {
        return handlers.reattach(request, caller, text);
      }
      const parts = partsOf(request, caller);
      // The core before us died before it answered the greeting, which comes again.
      if (text === "") return greeting(parts);
      const kept = readKept(text);
      const known = kept && sessions.find(kept.id, parts.owner);
      if (known !== undefined) return joining(parts, () => known);
      // It has to come anew, and hears that we know nothing of it.
      if (kept?.app === undefined) return { accepted: false, response: unknown(request, caller) };
      const upgrade = await handlers.reattach(offering(request, []), caller, kept.app);
      if (!upgrade.accepted) return upgrade;
      return joining(parts, () => revive(sessions, parts.owner, upgrade, kept));
    },
  };
}

/** Whoever comes back must be allowed the same: what the app decided, it decided for these. */
function ownerOf({ via, principal: { subject, scopes } }: Caller): string {
  return JSON.stringify([via, subject, ...scopes.toSorted()]);
}

/** The app was asked already, so that its refusal is an ordinary response. */
async function prepare(asked: Promise<Upgrade>, parts: LinkParts): Promise<Upgrade> {
  const upgrade = await asked;
  if (!upgrade.accepted) return upgrade;
  return { ...greeting(parts, upgrade), survives: upgrade.survives };
}

function greeting(parts: LinkParts, prepared?: Accepted): Accepted {
  return {
    accepted: true,
    protocol: RESUME_PROTOCOL,
    survives: true,
    take: (socket) => socket.listen(new Link(socket, parts, prepared)),
  };
}

/** @param session - Made when the socket is here, and not before. */
function joining(parts: LinkParts, session: () => Parameters<Link["join"]>[0]): Accepted {
  return {
    accepted: true,
    protocol: RESUME_PROTOCOL,
    survives: true,
    take(socket) {
      const link = new Link(socket, parts);
      link.join(session());
      socket.listen(link);
    },
  };
}

function protocolsOf(request: Request): string[] {
  const header = request.headers.get(PROTOCOL_HEADER) ?? "";
  return header.split(",").flatMap((name) => name.trim() || []);
}

function offering(request: Request, protocols: readonly string[]): Request {
  const headers = new Headers(request.headers);
  if (protocols.length > 0) headers.set(PROTOCOL_HEADER, protocols.join(", "));
  else headers.delete(PROTOCOL_HEADER);
  return new Request(request, { headers, signal: request.signal });
}

function refusalOf(
  sessions: ResumeSessions,
  request: Request,
  caller: Caller,
): Upgrade | undefined {
  try {
    sessions.checkRoom();
    return undefined;
  } catch (error) {
    return { accepted: false, response: refused(error, request, caller) };
  }
}

function unknown(request: Request, caller: Caller): Response {
  const error = new GatewayError("core_lost", "What is known of this client is too little");
  return refused(error, request, caller);
}

function refused(error: unknown, request: Request, { requestId }: Caller): Response {
  const path = new URL(request.url).pathname;
  return problemResponse(error, { hop: "core", requestId, path });
}
