/** How the relays stand, to each other and to this core. Pure. */
import * as z from "zod";
import { RelayReport } from "../../gateway/methods/relay-reports.ts";
import { FAR_MS } from "../../gateway/methods/tunnel-status.ts";
import { failed, ok, type Verdict, warning } from "./finding.ts";

const Relay = z.object({
  name: z.string(),
  /** Host of the edge. */
  url: z.string(),
  connected: z.boolean(),
  lastError: z.string().nullable(),
  colo: z.string(),
  rttMs: z.number().nullable(),
  leads: z.boolean(),
  draining: z.boolean(),
  report: RelayReport.nullable(),
});
export type Relay = z.output<typeof Relay>;

/** A running gateway's answer to `tunnel.status`. */
export const TunnelStatus = z.discriminatedUnion("configured", [
  z.object({ configured: z.literal(false) }),
  z.object({
    configured: z.literal(true),
    mode: z.enum(["leader", "standby"]),
    lease: z.object({ store: z.string(), epoch: z.number() }),
    kid: z.string(),
    relays: z.array(Relay),
  }),
]);
export type TunnelStatus = Extract<z.output<typeof TunnelStatus>, { configured: true }>;

/** A webhook that waits this long waits for a core, not for its turn. */
const STUCK_MS = 60_000;

/** @param byGateway - The running gateway says so; otherwise it is what we have just seen. */
export function judgeConnected(relays: readonly Relay[], byGateway: boolean): Verdict {
  const away = relays.filter(({ connected, draining }) => !connected && !draining);
  const near = relays.filter(({ connected }) => connected);
  const who = byGateway ? "the gateway is connected to" : "reached just now:";
  const detail = `${who} ${near.map(nameOf).join(", ") || "none"}`;
  if (away.length === 0 && near.length > 0) return ok(detail);
  const missing = away.map(({ name, lastError }) => `${name} (${lastError ?? "not connected"})`);
  const fix = "the checks above say which part of the way fails; the gateway tries again by itself";
  const both = `${detail}; not to ${missing.join(", ") || "any"}`;
  return near.length === 0 ? failed(both, fix) : warning(both, fix);
}

function nameOf({ name, colo, draining }: Relay): string {
  const notes = [...(colo === "" ? [] : [colo]), ...(draining ? ["to be given up"] : [])];
  return notes.length === 0 ? name : `${name} (${notes.join(", ")})`;
}

/** @param mode - Of the gateway of this machine; undefined when it did not say. */
export function judgeLeader(
  relays: readonly Relay[],
  mode: "leader" | "standby" | undefined,
): Verdict {
  const near = relays.filter(({ connected, draining }) => connected && !draining);
  const parts = near.map(({ name, leads, report }) => {
    if (leads) return `${name}: this core`;
    const leader = report?.cores.find((core) => core.leads);
    if (leader === undefined) return `${name}: none`;
    return `${name}: ${leader.instance.slice(0, 8)} (${leader.mode})`;
  });
  const detail = `work goes to ${parts.join(", ")}`;
  const orphaned = near.filter(
    ({ leads, report }) => !leads && report !== null && !report.cores.some((core) => core.leads),
  );
  if (orphaned.length > 0) {
    return failed(
      detail,
      "no core leads there: start the gateway, or see its log for a refused claim",
    );
  }
  if (mode === "leader" && near.some(({ leads }) => !leads)) {
    return warning(
      detail,
      "another core has the lead: stop it, or make this one stand by (sallyport.core.mode)",
    );
  }
  return ok(detail);
}

export function judgePlaces(relays: readonly Relay[]): Verdict {
  const places = new Map<string, string[]>();
  for (const { name, colo, connected, draining } of relays) {
    if (connected && !draining && colo !== "") {
      places.set(colo, [...(places.get(colo) ?? []), name]);
    }
  }
  const shared = [...places].filter(([, names]) => names.length > 1);
  if (shared.length === 0) {
    return ok(
      places.size === 0 ? "relays do not say where they are" : [...places.keys()].join(", "),
    );
  }
  const [first = "", second = ""] = shared[0]?.[1] ?? [];
  return warning(
    shared.map(([colo, names]) => `${names.join(" and ")} are in one place (${colo})`).join("; "),
    `what takes ${first} takes ${second} too: in RELAYS, give ${second} another region and a new generation`,
  );
}

export function judgeDistance(relays: readonly Relay[]): Verdict {
  const near = relays.filter(({ connected, rttMs }) => connected && rttMs !== null);
  const times = near.map(({ name, rttMs }) => `${name} ${Math.round((rttMs ?? 0) * 10) / 10} ms`);
  const far = near.filter(({ rttMs, draining }) => !draining && (rttMs ?? 0) > FAR_MS);
  const detail = times.join(", ") || "not measured";
  if (far.length === 0) return ok(detail);
  const moves = far.map(({ name }) => `${name} to ${nextGeneration(name)}`);
  return warning(
    `misplaced relay: ${detail}`,
    `raise the generation so that it is made anew near this core: in RELAYS, ${moves.join(", ")}, with the old one in RELAYS_DRAINING`,
  );
}

/** `weur:1` → `weur:2`: a new name makes a new object, in the place that is right today. */
function nextGeneration(name: string): string {
  const [, region = name, generation = "0"] = /^(.*):(\d+)$/.exec(name) ?? [];
  return `${region}:${Number(generation) + 1}`;
}

export function judgeSpool(relays: readonly Relay[], now: number): Verdict {
  const waiting = relays.flatMap(({ name, report }) => {
    if (report === null || report.spooled === 0) return [];
    const ageMs = Math.max(0, now - (report.oldestSpooledAt ?? now));
    return [{ name, count: report.spooled, ageMs }];
  });
  if (relays.every(({ report }) => report === null)) {
    return warning("no relay says what waits in it", "update the edge (sallyport edge deploy)");
  }
  const detail = waiting
    .map(({ name, count, ageMs }) => `${count} in ${name}, the oldest for ${secondsOf(ageMs)} s`)
    .join(", ");
  if (waiting.some(({ ageMs }) => ageMs > STUCK_MS)) {
    return warning(
      `webhooks wait: ${detail}`,
      "they wait for a core that leads, or for one that keeps failing on them: see the gateway's log",
    );
  }
  return ok(detail === "" ? "no webhook waits" : `webhooks on their way: ${detail}`);
}

function secondsOf(ms: number): number {
  return Math.round(ms / 1_000);
}
