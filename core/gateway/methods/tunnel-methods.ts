import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { Lease } from "../../store/store.ts";
import type { Tunnel } from "../../tunnel/handlers.ts";
import type { RelayReports } from "./relay-reports.ts";
import { addKey, listKeys, revokeKey } from "./relay-keys.ts";
import type { Method } from "../../methods/method.ts";
import { askAll, tunnelStatus } from "./tunnel-status.ts";

const Nothing = z.strictObject({});
const Status = z.strictObject({
  /** Measure the round trips and ask the relays, which wakes them; default: yes. */
  ask: z.boolean().default(true),
});
const Add = z.strictObject({ publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });
const Revoke = z.strictObject({ kid: z.string().min(1).max(128) });

export interface TunnelMethodParts {
  /** Undefined: no edge is configured. */
  readonly tunnel: () => Tunnel | undefined;
  readonly reports: RelayReports;
  readonly mode: "leader" | "standby";
  readonly lease: Lease;
  readonly now: () => number;
}

/**
 * How the edge is, and which keys open it. All may be repeated: a key that is known or gone is no
 * error, and a rotation that was cut short goes on where it ended.
 */
export function tunnelMethods(parts: TunnelMethodParts): readonly (readonly [string, Method])[] {
  const dialled = (): Tunnel => {
    const tunnel = parts.tunnel();
    if (tunnel !== undefined) return tunnel;
    throw new GatewayError("not_found", "This gateway has no edge: set sallyport.edge.url");
  };
  return [
    [
      "tunnel.status",
      {
        scope: "operator.read",
        async call(params) {
          const { ask } = Status.parse(params);
          const tunnel = parts.tunnel();
          if (tunnel === undefined) return { configured: false };
          const reports = ask ? await askAll(tunnel, parts.reports) : parts.reports.last();
          return tunnelStatus({ ...parts, tunnel, reports, waitsFor: null });
        },
      },
    ],
    [
      "tunnel.keys.list",
      {
        scope: "operator.read",
        call(params) {
          Nothing.parse(params);
          return listKeys(dialled());
        },
      },
    ],
    [
      "tunnel.keys.add",
      { scope: "operator.admin", call: (params) => addKey(dialled(), Add.parse(params).publicKey) },
    ],
    [
      "tunnel.keys.rotate",
      {
        scope: "operator.admin",
        call(params) {
          Nothing.parse(params);
          return dialled().rotateKey();
        },
      },
    ],
    [
      "tunnel.keys.revoke",
      { scope: "operator.admin", call: (params) => revokeKey(dialled(), Revoke.parse(params).kid) },
    ],
  ];
}
