import { randomUUID } from "node:crypto";
import { networkInterfaces } from "node:os";
import type { Logger } from "pino";
import { GatewayError } from "../../../shared/errors.ts";
import type { Secret } from "../../../shared/secret.ts";
import { generatedCredential } from "../../config/credential.ts";
import { configErrorText } from "../../config/issues/error.ts";
import type { Settings } from "../../config/settings.ts";
import { DeviceBook } from "../../devices/book.ts";
import type { DeviceNews } from "../../devices/news.ts";
import { cleanText } from "../../log.ts";
import { type DeviceMethodParts, deviceMethods } from "../../methods/devices/methods.ts";
import { requestView } from "../../methods/devices/views.ts";
import type { NamedMethod } from "../../methods/method.ts";
import type { DeviceStore, PairingRequest } from "../../store/device.ts";
import { Authenticator, type AuthSettings } from "./auth.ts";
import type { Connections } from "../rpc/connections.ts";
import { Lockout } from "./lockout.ts";
import type { NetworkRules } from "../port/peer.ts";

/** A device whose pairing ended, or whose token is no longer good: it must not go on. */
const POLICY_VIOLATION = 1008;
/** Names that devices give themselves are cut to this in the log. */
const MAX_LOGGED_UNITS = 64;

export interface DoorParts {
  /** As they are now. */
  readonly settings: () => Settings;
  readonly store: DeviceStore;
  readonly connections: Pick<Connections, "clients" | "closeThose" | "publish">;
  /** Tells the edge which credentials are good. */
  readonly publish: () => void;
  readonly now: () => number;
  readonly log: Logger;
}

/** Who may come in, and whom people let in. */
export interface Door {
  readonly authenticator: Authenticator;
  readonly devices: DeviceBook;
  readonly methods: readonly NamedMethod[];
}

/** Builds what decides on callers of a gateway that leads. */
export function createDoor(parts: DoorParts): Door {
  const { settings, store, connections, now, log } = parts;
  const isConnected = (deviceId: string): boolean =>
    connections.clients.some((client) => client.deviceId === deviceId);
  const devices = new DeviceBook({
    store,
    key: () => deviceKey(settings().stateDir),
    now,
    newId: randomUUID,
    isConnected,
    tell: (news) => tell(news, parts),
  });
  devices.ready.then(parts.publish, (err: unknown) => {
    log.error({ err }, "devices cannot be read: none can come in");
  });
  const disconnect = (deviceId: string, reason: string, role?: string): void => {
    // By then the answer is out, which may be that of the device itself.
    setImmediate(() => {
      const isMeant = (one: (typeof connections.clients)[number]): boolean =>
        one.deviceId === deviceId && (role === undefined || one.role === role);
      connections.closeThose(isMeant, POLICY_VIOLATION, reason);
    });
  };
  return {
    authenticator: authenticatorOf(settings, devices),
    devices,
    methods: deviceMethods({
      book: devices,
      isConnected,
      disconnect,
      now,
      ...setupPartsOf(settings),
    }),
  };
}

/** Where a new device finds this gateway, and what it is told to show. */
export function setupPartsOf(
  settings: () => Settings,
): Pick<DeviceMethodParts, "places" | "secretKind"> {
  return {
    places() {
      const { gateway, config, edge } = settings();
      const interfaces = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
      return {
        edgeUrl: edge?.url,
        publicOrigin: config.gateway.publicOrigin,
        remoteUrl: config.gateway.remote?.url,
        hosts: [gateway.host, ...gateway.alsoHosts],
        port: gateway.port,
        addresses: interfaces.map(({ address }) => address),
      };
    },
    secretKind: () => (settings().gateway.authMode === "password" ? "password" : "token"),
  };
}

/** @param settings - As they are now: asked for each time. */
export function authenticatorOf(settings: () => Settings, devices?: DeviceBook): Authenticator {
  const rules = (): AuthSettings => {
    const { gateway, config } = settings();
    return {
      credentials: [gateway.token.secret],
      exemptLoopback: config.gateway.auth.rateLimit.exemptLoopback,
      mode: gateway.authMode,
      allowUsers: gateway.trustedProxy?.allowUsers,
      pairing: gateway,
    };
  };
  const lockout = new Lockout(() => settings().config.gateway.auth.rateLimit);
  return new Authenticator(rules, lockout, () => Date.now(), devices);
}

/** What our own port goes by. */
export function networkRulesOf({ gateway }: Settings): NetworkRules {
  return { ...gateway, userHeaders: gateway.trustedProxy };
}

function tell(news: DeviceNews, { connections, publish, now, log }: DoorParts): void {
  const to = { scope: "operator.pairing", droppable: true } as const;
  switch (news.kind) {
    case "requested":
      log.warn(logged(news.request), "a device asks to be let in");
      connections.publish("device.pair.requested", requestView(news.request), to);
      return;
    case "resolved": {
      const { kind: _ours, ...resolved } = news;
      connections.publish("device.pair.resolved", { ...resolved, ts: now() }, to);
      return;
    }
    case "codes":
      publish();
      return;
    case "completed":
      log.info(
        { device: news.outcome.deviceId.slice(0, 12), access: news.outcome.access },
        "a device came with a setup code",
      );
      connections.publish("device.pair.setup.completed", news.outcome, to);
      return;
    case "changed":
      connections.publish("device.pair.changed", {}, to);
      publish();
  }
}

/** All that its owner needs to see, in the terminal that the gateway runs in. */
function logged({ requestId, deviceId, displayName, ...request }: PairingRequest): object {
  const { clientId, platform, role, scopes, remoteIp, reason } = request;
  return {
    approve: `sallyport devices approve ${requestId}`,
    device: deviceId.slice(0, 12),
    name: displayName === undefined ? undefined : cleanText(displayName, MAX_LOGGED_UNITS),
    client: clientId,
    platform: platform === undefined ? undefined : cleanText(platform, MAX_LOGGED_UNITS),
    role,
    scopes,
    ip: remoteIp,
    reason,
  };
}

/** What the tokens of devices are made of. @throws GatewayError overloaded when it cannot be kept. */
export async function deviceKey(stateDir: string): Promise<Secret> {
  const key = await generatedCredential(stateDir, "device-tokens");
  if (key.ok) return key.value.secret;
  throw new GatewayError("overloaded", configErrorText(key.error));
}
