import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import { GatewayError } from "../../shared/errors.ts";
import { problemResponse } from "../../shared/problem.ts";
import type { Caller, TunnelHandlers, Upgrade } from "../tunnel/handlers.ts";
import type { Origin } from "./auth/auth.ts";
import type { Connections } from "./rpc/connections.ts";
import { type Kept, readKept } from "./rpc/kept.ts";

export interface TunnelHandlerParts {
  readonly fetch: (request: Request, origin: Origin) => Response | Promise<Response>;
  readonly connections: Connections;
  readonly deliver: TunnelHandlers["deliver"];
  /** What the edge must know now. */
  readonly bundle: () => EdgeBundle;
}

/** What the tunnel brings, handed to the parts that also serve our own port. */
export function tunnelHandlers(parts: TunnelHandlerParts): TunnelHandlers {
  const { fetch, connections, deliver, bundle } = parts;
  return {
    fetch: async (request, caller) => fetch(request, { via: "edge", caller }),
    upgrade: async (request, caller) => upgrade(request, caller, connections),
    reattach: async (request, caller, kept) => reattach(request, caller, connections, kept),
    deliver,
    bundle,
  };
}

function upgrade(request: Request, caller: Caller, connections: Connections): Upgrade {
  try {
    connections.checkRoom();
  } catch (error) {
    return refused(error, request, caller);
  }
  return accepted(caller, connections, undefined);
}

/** A client that was through its handshake takes no room from those who are not. */
function reattach(
  request: Request,
  caller: Caller,
  connections: Connections,
  text: string,
): Upgrade {
  // Nothing was kept: the core before us died before it said a word to this client.
  if (text === "") return upgrade(request, caller, connections);
  const kept = readKept(text);
  if (kept !== undefined) return accepted(caller, connections, kept);
  const error = new GatewayError("core_lost", "What is known of this client is too little");
  return refused(error, request, caller);
}

function accepted(caller: Caller, connections: Connections, kept: Kept | undefined): Upgrade {
  return {
    accepted: true,
    protocol: undefined,
    survives: true,
    take: (socket) => connections.add(socket, { via: "edge", caller }, kept),
  };
}

function refused(error: unknown, request: Request, { requestId }: Caller): Upgrade {
  const context = { hop: "core", requestId, path: new URL(request.url).pathname } as const;
  return { accepted: false, response: problemResponse(error, context) };
}
