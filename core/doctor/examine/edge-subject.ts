import type { Secret } from "../../../shared/secret.ts";
import type { Environment } from "../../config/paths.ts";
import type { EdgeSettings, Settings } from "../../config/settings.ts";
import { proxyFor } from "../../tunnel/relay/proxy.ts";
import type { TunnelSettings } from "../../tunnel/settings.ts";
import { findWay, type Way } from "../../tunnel/relay/way.ts";
import { type AddressSource, edgeAt } from "../verdicts/edge-address.ts";
import type { CallGateway, Examination } from "./examination.ts";
import type { GatewayFacts } from "./examine-gateway.ts";

/** The edge that is examined, and all that is needed for it. */
export interface EdgeSubject {
  readonly url: URL;
  readonly source: AddressSource;
  readonly ownPort: number | undefined;
  readonly dialled: string | undefined;
  readonly proxy: URL | undefined;
  readonly wayFrom: TunnelSettings;
  /** A way of its own for each request: names and files may change, and a cut one stays cut. */
  readonly openWay: () => Promise<Way>;
  /** Only where the edge is the gateway's own, or the token was given for this: else undefined. */
  readonly token: Secret | undefined;
  readonly gateway: GatewayFacts | undefined;
  /** Where `tunnel.json` is; undefined for a gateway elsewhere. */
  readonly stateDir: string | undefined;
  readonly version: string;
  readonly timeoutMs: number;
  readonly now: () => number;
  readonly call: CallGateway;
}

/** @returns undefined when no edge is known. */
export function edgeSubject(
  examination: Examination,
  settings: Settings | undefined,
  gateway: GatewayFacts | undefined,
): EdgeSubject | undefined {
  const { edge, version, timeoutMs, now, call } = examination;
  const hosts = { dialled: gateway?.tunnel?.relays[0]?.url, configured: settings?.edge?.url };
  const found = find(edge, hosts.configured, hosts.dialled);
  if (found === undefined) return undefined;
  const { url } = found;
  const isOurs = url.host === hosts.dialled || url.host === hostOf(hosts.configured);
  const wayFrom = waySettings(url, settings, isOurs, examination.surroundings.env);
  return {
    ...found,
    ownPort: ownPortOf(gateway, settings),
    dialled: hosts.dialled,
    proxy: proxyFor(url, wayFrom.proxy, wayFrom.environment),
    wayFrom,
    openWay: () => findWay(url, wayFrom),
    token: tokenFor(isOurs, examination, settings, gateway),
    gateway,
    stateDir: settings?.stateDir,
    version,
    timeoutMs,
    now,
    call,
  };
}

/** One that the gateway has just refused helps nobody; without a gateway, the configured one may. */
function tokenFor(
  isOurs: boolean,
  { token }: Examination,
  settings: Settings | undefined,
  gateway: GatewayFacts | undefined,
): Secret | undefined {
  if (!isOurs) return token;
  return gateway === undefined ? (token ?? settings?.gateway.token.secret) : gateway.token;
}

function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : new URL(url).host;
}

function find(
  flag: URL | undefined,
  configured: string | undefined,
  dialled: string | undefined,
): { readonly url: URL; readonly source: AddressSource } | undefined {
  if (flag !== undefined) return { url: flag, source: "flag" };
  if (configured !== undefined) return { url: new URL(configured), source: "config" };
  const url = dialled === undefined ? null : edgeAt(dialled);
  return url === null ? undefined : { url, source: "gateway" };
}

/** @param isOurs - Otherwise what proves who we are is not for this edge. */
function waySettings(
  edge: URL,
  settings: Settings | undefined,
  isOurs: boolean,
  env: Environment,
): TunnelSettings {
  const own: Partial<EdgeSettings> = settings?.edge ?? {};
  return {
    edge,
    pairing: undefined,
    version: "",
    stateDir: settings?.stateDir ?? "",
    proxy: own.proxy,
    environment: own.proxyVariables ?? env,
    ...(isOurs ? { access: own.access, tls: own.tls } : {}),
  };
}

function ownPortOf(
  gateway: GatewayFacts | undefined,
  settings: Settings | undefined,
): number | undefined {
  if (settings === undefined) return undefined;
  return gateway === undefined ? settings.gateway.port : Number(gateway.url.port);
}
