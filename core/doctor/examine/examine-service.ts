import type { Settings } from "../../config/settings.ts";
import { stopSecFor } from "../../service/definition.ts";
import { findService, issuesOf, lookAt, otherUnits } from "../../service/look.ts";
import type { Machine } from "../../service/managers.ts";
import type { Report } from "../report.ts";
import { type InstalledFacts, judgeService } from "../verdicts/service.ts";
import { type Examination, whyElsewhere } from "./examination.ts";

/** The unit that starts the gateway, and others that would be in its way. */
export async function examineService(
  examination: Examination,
  settings: Settings | undefined,
  report: Report,
): Promise<void> {
  const elsewhere = whyElsewhere(examination);
  if (elsewhere !== undefined) {
    report.skip(["service.unit"], elsewhere);
    return;
  }
  const { surroundings, port } = examination;
  const { env, home, uid } = surroundings;
  const machine: Machine = { platform: process.platform, env, home, uid };
  const found = await findService(machine);
  const looked = found && (await lookAt(found));
  const others = machine.platform === "linux" ? await otherUnits(home, found) : [];
  const stopSec = stopSecFor(settings?.limits.drainTimeoutMs ?? 0);
  const own: InstalledFacts | undefined = looked && {
    file: looked.manager.file,
    stateDir: looked.definition.stateDir,
    enabled: looked.state.enabled,
    detail: looked.state.detail,
    hasFailed: looked.state.phase === "failed",
    gone: looked.gone,
    issues: issuesOf(looked, stopSec),
    isEdited: looked.isEdited,
  };
  const facts = { own, others, port: port ?? settings?.gateway.port };
  report.add("service.unit", judgeService({ ...facts, stateDir: settings?.stateDir }));
}
