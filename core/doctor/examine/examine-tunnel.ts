/** What a core is to its edge: the signed connection, the relays, and the whole way round. */
import { GatewayError } from "../../../shared/errors.ts";
import { createTunnelKey, type TunnelKey } from "../../../shared/tunnel/handshake.ts";
import { Identity } from "../../tunnel/identity/identity.ts";
import type { EdgeSubject } from "./edge-subject.ts";
import { judgeClock, problemOf, skewOf } from "../verdicts/edge-answer.ts";
import { failed, ok } from "../verdicts/finding.ts";
import { dial } from "../probes/dial.ts";
import { send } from "../probes/http.ts";
import { type Report, timed } from "../report.ts";
import {
  type Dialled,
  judgeKey,
  judgePin,
  judgeUpgrade,
  type PlainAnswer,
} from "../verdicts/tunnel.ts";

/** What the edge said to a core of this machine. */
export interface Encounter {
  readonly key: TunnelKey;
  readonly dialled: Dialled;
  /** By which our clock had to be corrected. */
  readonly skewMs: number;
}

/** What is left to say once a connection was tried. */
export const TUNNEL_CHECKS = [
  "websocket.upgrade",
  "clock.skew",
  "identity.key",
  "identity.pin",
] as const;
const IDENTITY = ["identity.key", "identity.pin"] as const;

/** @returns undefined when this machine has no key to show. */
export async function examineTunnel(
  subject: EdgeSubject,
  report: Report,
): Promise<Encounter | undefined> {
  const found = await identityOf(subject);
  const identity = typeof found === "string" ? undefined : found;
  // Without one of ours any key shows whether an upgrade gets through.
  const key = identity?.key ?? (await createTunnelKey()).key;
  const { value: encounter, ms } = await timed(() => meet(subject, key));
  const { dialled, skewMs } = encounter;
  const { host } = subject.url;
  const plain =
    dialled.result === "ended" && dialled.ending.reason === "refused"
      ? await askPlainly(subject)
      : undefined;
  const upgrade = report.add("websocket.upgrade", judgeUpgrade(host, dialled, plain), ms);
  await examineClock(subject, encounter, report);
  if (upgrade.status === "failed") {
    report.skip(IDENTITY, "websocket.upgrade failed");
  } else if (typeof found === "string") {
    report.add("identity.key", failed(found, "put tunnel.json back from a backup"));
    report.skip(["identity.pin"], "identity.key failed");
  } else if (identity === undefined) {
    report.skip(IDENTITY, "this machine has no tunnel.json: no gateway here has dialled an edge");
  } else {
    const known = report.add("identity.key", judgeKey(key.kid, dialled, skewMs));
    if (known.status === "failed") report.skip(["identity.pin"], "identity.key failed");
    else report.add("identity.pin", judgePin(host, identity.pinOf(host), dialled));
  }
  return identity === undefined ? undefined : encounter;
}

/** By the edge's `Date`, else by whether it took a signature with our time in it. */
async function examineClock(
  { url, openWay, timeoutMs }: EdgeSubject,
  { dialled, skewMs }: Encounter,
  report: Report,
): Promise<void> {
  const request = { url: new URL("/health", url), method: "GET" } as const;
  const outcome = await send(request, await openWay(), timeoutMs);
  const byDate = outcome.result === "answered" ? skewOf(outcome.answer) : undefined;
  const isTaken = dialled.result === "welcomed";
  if (byDate !== undefined) report.add("clock.skew", judgeClock(byDate));
  else if (skewMs !== 0) report.add("clock.skew", judgeClock(skewMs));
  else if (isTaken) report.add("clock.skew", ok("near enough: the edge took our signature"));
  else report.skip(["clock.skew"], "the edge does not tell the time");
}

/** Connects, and once more when our clock was wrong, as the gateway does. */
async function meet(subject: EdgeSubject, key: TunnelKey): Promise<Encounter> {
  const { now } = subject;
  const dialled = await knockAt(subject, "/tunnel", key, now());
  const { ending } = dialled.result === "ended" ? dialled : { ending: undefined };
  if (ending?.reason !== "refused" || ending.code !== "clock_skew")
    return { key, dialled, skewMs: 0 };
  const skewMs = (ending.serverTime ?? now()) - now();
  return { key, dialled: await knockAt(subject, "/tunnel", key, now() + skewMs), skewMs };
}

/** @param path - Of a relay. */
export async function knockAt(
  { url, openWay, version, timeoutMs }: EdgeSubject,
  path: string,
  key: TunnelKey,
  at: number,
): Promise<Dialled> {
  return dial({ url: new URL(path, url), key, at, version, timeoutMs }, await openWay());
}

async function askPlainly({
  url,
  openWay,
  timeoutMs,
}: EdgeSubject): Promise<PlainAnswer | undefined> {
  const request = { url: new URL("/tunnel", url), method: "GET" } as const;
  const outcome = await send(request, await openWay(), timeoutMs);
  if (outcome.result === "failed") return undefined;
  const problem = problemOf(outcome.answer);
  const { status } = outcome.answer;
  return { status, code: problem?.code ?? "", detail: problem?.detail ?? "" };
}

/** @returns A text when there is one that cannot be read. */
async function identityOf({ stateDir }: EdgeSubject): Promise<Identity | string | undefined> {
  if (stateDir === undefined) return undefined;
  try {
    return await Identity.peek(stateDir);
  } catch (error) {
    if (error instanceof GatewayError) return error.message;
    throw error;
  }
}
