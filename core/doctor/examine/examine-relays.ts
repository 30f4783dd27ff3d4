import { RelayReport } from "../../gateway/methods/relay-reports.ts";
import { consequenceOf } from "../../tunnel/relay/ending.ts";
import type { EdgeSubject } from "./edge-subject.ts";
import { type Encounter, knockAt } from "./examine-tunnel.ts";
import {
  judgeConnected,
  judgeDistance,
  judgeLeader,
  judgePlaces,
  judgeSpool,
  type Relay,
} from "../verdicts/relays.ts";
import type { Report } from "../report.ts";
import type { Dialled } from "../verdicts/tunnel.ts";

export const RELAY_CHECKS = [
  "relay.connected",
  "relay.leader",
  "relay.place",
  "relay.distance",
  "relay.spool",
] as const;
const [, ...OF_CONNECTED] = RELAY_CHECKS;

/** As the running gateway sees them; without one, as we see them ourselves. */
export async function examineRelays(
  subject: EdgeSubject,
  encounter: Encounter | undefined,
  report: Report,
): Promise<void> {
  const tunnel = subject.gateway?.tunnel;
  const isTold = tunnel !== undefined && subject.dialled === subject.url.host;
  const relays = isTold ? tunnel.relays : await visit(subject, encounter);
  if (relays === undefined) {
    report.skip(RELAY_CHECKS, "no gateway tells, and the edge does not let us in");
    return;
  }
  const connected = report.add("relay.connected", judgeConnected(relays, isTold));
  if (connected.status === "failed") {
    report.skip(OF_CONNECTED, "relay.connected failed");
    return;
  }
  report.add("relay.leader", judgeLeader(relays, isTold ? tunnel.mode : undefined));
  report.add("relay.place", judgePlaces(relays));
  report.add("relay.distance", judgeDistance(relays));
  report.add("relay.spool", judgeSpool(relays, subject.now()));
}

async function visit(
  subject: EdgeSubject,
  encounter: Encounter | undefined,
): Promise<readonly Relay[] | undefined> {
  if (encounter?.dialled.result !== "welcomed") return undefined;
  const { dialled, key, skewMs } = encounter;
  const { relay: own, relays } = dialled.welcome;
  const { host } = subject.url;
  const first = relayOf(own ?? "primary", host, dialled, false);
  const others = relays.filter(({ name }) => name !== own);
  const visited = await Promise.all(
    others.map(async ({ name, draining }) => {
      const at = subject.now() + skewMs;
      return relayOf(name, host, await knockAt(subject, `/tunnel/${name}`, key, at), draining);
    }),
  );
  return [first, ...visited];
}

function relayOf(name: string, url: string, dialled: Dialled, draining: boolean): Relay {
  // Whoever looks around does not lead.
  const base = { name, url, draining, leads: false };
  if (dialled.result === "ended") {
    const lastError = consequenceOf(dialled.ending).message;
    return { ...base, connected: false, lastError, colo: "", rttMs: null, report: null };
  }
  const { welcome, rttMs, state } = dialled;
  const report = RelayReport.safeParse(state).data ?? null;
  const { colo } = welcome;
  return { ...base, connected: true, lastError: null, colo, rttMs: rttMs ?? null, report };
}
