/** What programs are told. Pure. Source: `openclaw doctor --json` of OpenClaw 2026.9. */
import type { Finding } from "../../doctor/verdicts/finding.ts";
import type { Repair } from "../../doctor/repair.ts";
import { isAtLeast, type Severity, severityOf } from "./selection.ts";

/** Raised when a field changes its meaning. */
const SCHEMA_VERSION = 1;

/** @param checks - Those that were selected, whatever came of them. */
export function documentOf(
  checks: readonly Finding[],
  repairs: readonly Repair[] | undefined,
  min: Severity,
): object {
  const found = checks.filter(({ status }) => status === "warning" || status === "failed");
  return {
    schemaVersion: SCHEMA_VERSION,
    ok: !checks.some(({ status }) => status === "failed"),
    checksRun: checks.filter(({ status }) => status !== "skipped").length,
    checksSkipped: checks.filter(({ status }) => status === "skipped").length,
    findings: found.filter((one) => isAtLeast(one, min)).map(findingOf),
    ...(repairs === undefined ? {} : { fixed: repairs }),
    checks,
  };
}

function findingOf(finding: Finding): object {
  const { id, detail, fix } = finding;
  return {
    checkId: id,
    severity: severityOf(finding),
    message: detail,
    ...(fix === null ? {} : { fixHint: fix }),
  };
}
