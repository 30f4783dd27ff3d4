import { connectorsIn } from "../../upstream/presence.ts";
import type { Examination } from "./examination.ts";
import { examineChannels, examineGateway, examineModel } from "./examine-gateway.ts";
import { examineService } from "./examine-service.ts";
import { examineSessions } from "./examine-sessions.ts";
import { examineLoop, LOOP_CHECKS } from "./examine-loop.ts";
import { examineMachine } from "./examine-machine.ts";
import { examinePath } from "./examine-path.ts";
import { examineRelays } from "./examine-relays.ts";
import { examineTunnel, TUNNEL_CHECKS } from "./examine-tunnel.ts";
import { examineWebhooks } from "./examine-webhooks.ts";
import { type EdgeSubject, edgeSubject } from "./edge-subject.ts";
import { CHECKS, type CheckId } from "../verdicts/finding.ts";
import type { Report } from "../report.ts";

/**
 * Looks at everything between the config and the public address, from the inside out. Changes
 * nothing, takes no work and costs nothing, unless it is asked to go `deep`.
 */
export async function examine(examination: Examination, report: Report): Promise<void> {
  const here = await examineMachine(examination, report);
  // Of a gateway elsewhere they say nothing.
  const settings = examination.url === undefined ? here : undefined;
  const connectors = settings === undefined ? [] : await connectorsIn(settings.stateDir);
  const gateway = await examineGateway(examination, settings, connectors, report);
  await examineService(examination, settings, report);
  await examineModel(examination, settings, gateway, report);
  await examineChannels(examination, settings, report);
  await examineSessions(examination, settings, gateway, report);
  const subject = edgeSubject(examination, settings, gateway);
  let obstacle: string | undefined = "no edge is known: set sallyport.edge.url, or say --edge";
  if (subject === undefined) report.skip(remaining(report), obstacle);
  else obstacle = await examineSubject(subject, report);
  await examineWebhooks(
    {
      examination,
      settings,
      connects: connectors.length > 0,
      gateway,
      edge: subject === undefined || obstacle !== undefined ? (obstacle ?? "") : subject,
    },
    report,
  );
}

/** @returns What is in the way to the edge; undefined: nothing. */
async function examineSubject(subject: EdgeSubject, report: Report): Promise<string | undefined> {
  const obstacle = await examinePath(subject, report);
  if (obstacle !== undefined) {
    report.skip(TUNNEL_CHECKS, obstacle);
    // The gateway may know of its relays what we cannot see from here.
    await examineRelays(subject, undefined, report);
    report.skip(LOOP_CHECKS, obstacle);
    return obstacle;
  }
  const encounter = await examineTunnel(subject, report);
  await examineRelays(subject, encounter, report);
  // Whoever it is, the token is not for them.
  if (report.hasFailed("identity.pin")) {
    report.skip(LOOP_CHECKS, "identity.pin failed");
    return "identity.pin failed";
  }
  await examineLoop(subject, report);
  return undefined;
}

function isCheck(id: string): id is CheckId {
  return Object.hasOwn(CHECKS, id);
}

function remaining({ findings }: Report): CheckId[] {
  const done = new Set<string>(findings.map(({ id }) => id));
  return (
    Object.keys(CHECKS)
      .filter(isCheck)
      // Those of webhooks come last, and look at more than the edge.
      .filter((id) => !done.has(id) && CHECKS[id] !== "webhook")
  );
}
