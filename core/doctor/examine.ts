import { connectorsIn } from "../upstream/presence.ts";
import type { Examination } from "./examination.ts";
import { examineGateway, examineModel } from "./examine-gateway.ts";
import { examineLoop, LOOP_CHECKS } from "./examine-loop.ts";
import { examineMachine } from "./examine-machine.ts";
import { examinePath } from "./examine-path.ts";
import { examineRelays } from "./examine-relays.ts";
import { examineTunnel, TUNNEL_CHECKS } from "./examine-tunnel.ts";
import { type EdgeSubject, edgeSubject } from "./edge-subject.ts";
import { CHECKS, type CheckId } from "./finding.ts";
import type { Report } from "./report.ts";

/**
 * Looks at everything between the config and the public address, from the inside out. Changes
 * nothing, takes no work and costs nothing, unless it is asked to go `deep`.
 */
export async function examine(examination: Examination, report: Report): Promise<void> {
  const settings = await examineMachine(examination, report);
  const connectors = settings === undefined ? [] : await connectorsIn(settings.stateDir);
  const gateway = await examineGateway(examination, settings, connectors, report);
  await examineModel(examination, settings, gateway, report);
  const subject = edgeSubject(examination, settings, gateway);
  if (subject === undefined)
    report.skip(remaining(report), "no edge is known: set sallyport.edge.url, or say --edge");
  else await examineSubject(subject, report);
}

async function examineSubject(subject: EdgeSubject, report: Report): Promise<void> {
  const obstacle = await examinePath(subject, report);
  if (obstacle !== undefined) {
    report.skip(TUNNEL_CHECKS, obstacle);
    // The gateway may know of its relays what we cannot see from here.
    await examineRelays(subject, undefined, report);
    report.skip(LOOP_CHECKS, obstacle);
    return;
  }
  const encounter = await examineTunnel(subject, report);
  await examineRelays(subject, encounter, report);
  // Whoever it is, the token is not for them.
  if (report.hasFailed("identity.pin")) report.skip(LOOP_CHECKS, "identity.pin failed");
  else await examineLoop(subject, report);
}

function isCheck(id: string): id is CheckId {
  return Object.hasOwn(CHECKS, id);
}

function remaining({ findings }: Report): CheckId[] {
  const done = new Set<string>(findings.map(({ id }) => id));
  return Object.keys(CHECKS)
    .filter(isCheck)
    .filter((id) => !done.has(id));
}
