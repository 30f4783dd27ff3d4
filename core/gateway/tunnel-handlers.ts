import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import { problemResponse } from "../../shared/problem.ts";
import type { Caller, Delivery, TunnelHandlers, Upgrade } from "../tunnel/handlers.ts";
import type { Connections } from "./connections.ts";
import type { Origin } from "./auth.ts";

export interface TunnelHandlerParts {
  readonly fetch: (request: Request, origin: Origin) => Response | Promise<Response>;
  readonly connections: Connections;
  /** @returns True when the webhook was new. */
  readonly takeIn: (delivery: Delivery) => Promise<boolean>;
  readonly bundle: EdgeBundle;
}

/** What the tunnel brings, handed to the parts that also serve our own port. */
export function tunnelHandlers(parts: TunnelHandlerParts): TunnelHandlers {
  const { fetch, connections, takeIn, bundle } = parts;
  return {
    fetch: async (request, caller) => fetch(request, { via: "edge", caller }),
    upgrade: async (request, caller) => upgrade(request, caller, connections),
    deliver: async (delivery) => ((await takeIn(delivery)) ? "committed" : "duplicate"),
    bundle: () => bundle,
  };
}

function upgrade(request: Request, caller: Caller, connections: Connections): Upgrade {
  try {
    connections.checkRoom();
  } catch (error) {
    const { requestId } = caller;
    const context = { hop: "core", requestId, path: new URL(request.url).pathname } as const;
    return { accepted: false, response: problemResponse(error, context) };
  }
  return {
    accepted: true,
    protocol: undefined,
    take: (socket) => connections.add(socket, { via: "edge", caller }),
  };
}
