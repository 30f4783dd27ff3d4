import type { Secret } from "../../../shared/secret.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { probeChannel } from "../../channels/registry.ts";
import type { Settings } from "../../config/settings.ts";
import { judgeChannel, judgeProbe } from "../verdicts/channel.ts";
import type { Connector } from "../../upstream/presence.ts";
import { type Examination, whyElsewhere } from "./examination.ts";
import {
  type Health,
  Health as HealthSchema,
  isAccepted,
  isEdge,
  judgeHealth,
  judgeRole,
  judgeToken,
  judgeVersion,
  Readiness,
  versionIn,
} from "../verdicts/gateway.ts";
import { type AuthFacts, isWeak, judgeAuth, judgePort } from "../verdicts/door.ts";
import { judgeAnswer, judgeModels } from "../verdicts/model.ts";
import { type Asked, askGateway, askModel } from "../probes/gateway.ts";
import { type TunnelStatus, TunnelStatus as TunnelStatusSchema } from "../verdicts/relays.ts";
import { type Report, timed } from "../report.ts";

/** The gateway that was examined. */
export interface GatewayFacts {
  readonly url: URL;
  /** The one it accepts; undefined when there is none to be had. */
  readonly token: Secret | undefined;
  /** How it reaches its edge; undefined when it has none, or does not say. */
  readonly tunnel: TunnelStatus | undefined;
}

const ALL = [
  "gateway.health",
  "gateway.port",
  "gateway.token",
  "gateway.version",
  "gateway.role",
] as const;
const [, , ...INSIDE] = ALL;
/** It measures each relay anew, and a relay may have to be woken. */
const STATUS_TIMEOUT_MS = 10_000;
/** A model that thinks before it says "ok". */
const MODEL_TIMEOUT_MS = 60_000;

/**
 * @param connectors - Those that run where the gateway would; none for a gateway elsewhere.
 * @returns undefined when no gateway answers.
 */
export async function examineGateway(
  examination: Examination,
  settings: Settings | undefined,
  connectors: readonly Connector[],
  report: Report,
): Promise<GatewayFacts | undefined> {
  if (settings === undefined) report.skip(["gateway.auth"], "the settings are not known");
  else report.add("gateway.auth", judgeAuth(authFacts(settings)));
  const target = targetOf(examination, settings);
  if (typeof target === "string") {
    report.skip(ALL, target);
    return undefined;
  }
  const { value: answer, ms } = await timed(() => askGateway(target, "/health", HealthSchema));
  const [connector] = answer.result === "silent" ? connectors : [];
  if (connector !== undefined) {
    const { pid, upstream } = connector;
    report.skip(ALL, `a connector runs here in place of a gateway (pid ${pid}, for ${upstream})`);
    return undefined;
  }
  report.add("gateway.health", judgeHealth(target.url.origin, answer), ms);
  await examinePort(examination, target, answer.result === "answered", report);
  const isAway = answer.result === "answered" && isCut(answer.value);
  if (answer.result !== "answered" || isAway) {
    report.skip(INSIDE, "gateway.health failed");
    return undefined;
  }
  return examineInside(examination, target, answer.value, report);
}

/** An edge that no gateway is connected to. */
function isCut(health: Health): boolean {
  return isEdge(health) && health.core?.connected !== true;
}

/** Who has the port: that is what people look for when no gateway answers there. */
async function examinePort(
  examination: Examination,
  target: Asked,
  isGateway: boolean,
  report: Report,
): Promise<void> {
  const elsewhere = whyElsewhere(examination);
  if (elsewhere !== undefined) {
    report.skip(["gateway.port"], elsewhere);
    return;
  }
  const port = Number(target.url.port);
  report.add("gateway.port", judgePort(port, isGateway, await examination.portHolders(port)));
}

function authFacts({ gateway, config }: Settings): AuthFacts {
  const { token } = gateway;
  return {
    mode: gateway.authMode,
    bind: config.gateway.bind,
    source: token.source,
    isWeak: isWeak(token.secret.reveal()),
    believesLoopback:
      gateway.trustedProxy?.allowLoopback === true &&
      ["127.0.0.1", "::1"].some((address) => gateway.trusts(address)),
  };
}

async function examineInside(
  { version, call }: Examination,
  target: Asked,
  health: Health,
  report: Report,
): Promise<GatewayFacts> {
  const { url, token } = target;
  report.add("gateway.token", judgeToken(token !== undefined, health));
  if (versionIn(health) !== undefined) report.add("gateway.version", judgeVersion(version, health));
  else report.skip(["gateway.version"], "without an accepted token the gateway does not tell");
  await examineRole(target, health, report);
  if (!isAccepted(health)) return { url, token: undefined, tunnel: undefined };
  const timeoutMs = Math.max(target.timeoutMs, STATUS_TIMEOUT_MS);
  const rpc = { url: url.origin, token, timeoutMs };
  return { url, token, tunnel: await statusOf(() => call(rpc, "tunnel.status", {})) };
}

async function examineRole(target: Asked, health: Health, report: Report): Promise<void> {
  // An edge passes nothing on that comes without a credential.
  if (isEdge(health) && !isAccepted(health)) {
    report.skip(["gateway.role"], "without an accepted token the edge does not ask it");
    return;
  }
  const { value: ready, ms } = await timed(() => askGateway(target, "/readyz", Readiness));
  const readiness = ready.result === "answered" ? ready.value : undefined;
  report.add("gateway.role", judgeRole(health, readiness), ms);
}

/** A gateway that stands by, or an older one, has no such method: the checks do without. */
async function statusOf(
  call: () => Promise<{ readonly payload: unknown } | undefined>,
): Promise<TunnelStatus | undefined> {
  try {
    const parsed = TunnelStatusSchema.safeParse((await call())?.payload);
    return parsed.data?.configured === true ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

/** @returns Which gateway to ask, or why there is none. */
function targetOf(
  { url, port, token, timeoutMs }: Examination,
  settings: Settings | undefined,
): Asked | string {
  if (url !== undefined) return { url: new URL(url), token, timeoutMs };
  const own = port ?? settings?.gateway.port;
  if (own === undefined)
    return "its port and token are not known: see config.file and state.folder";
  if (own === 0) return "it takes any free port (OPENCLAW_GATEWAY_PORT=0): say --port";
  const secret = token ?? settings?.gateway.token.secret;
  return { url: new URL(`http://127.0.0.1:${own}`), token: secret, timeoutMs };
}

export async function examineModel(
  { deep, timeoutMs }: Examination,
  settings: Settings | undefined,
  gateway: GatewayFacts | undefined,
  report: Report,
): Promise<void> {
  if (settings === undefined) report.skip(["model.key"], "the settings are not known");
  else report.add("model.key", judgeModels(settings.modelChain, settings.providers));
  if (!deep) report.skip(["model.answer"], "an answer may cost money: --deep asks for one");
  else if (gateway?.token === undefined) report.skip(["model.answer"], "no gateway lets us in");
  else {
    const asked = { ...gateway, timeoutMs: Math.max(timeoutMs, MODEL_TIMEOUT_MS) };
    const { value, ms } = await timed(() => askModel(asked));
    report.add("model.answer", judgeAnswer(value.status, value.code), ms);
  }
}

/** Whether a channel can be run; `deep` asks its platform. */
export async function examineChannels(
  { deep, timeoutMs, now }: Examination,
  settings: Settings | undefined,
  report: Report,
): Promise<void> {
  if (settings === undefined) {
    report.skip(["channel.telegram"], "the settings are not known");
    return;
  }
  const { config, telegram } = settings;
  if (config.channels.telegram === undefined && telegram === undefined) {
    report.skip(["channel.telegram"], "it is not set up");
    return;
  }
  if (telegram === undefined || !deep) {
    const isOff = config.channels.telegram?.enabled === false;
    report.add("channel.telegram", judgeChannel(isOff, telegram !== undefined));
    return;
  }
  const { value, ms } = await timed(() =>
    probeChannel(telegram, AbortSignal.timeout(timeoutMs), now),
  );
  report.add("channel.telegram", judgeProbe(value), ms);
}
