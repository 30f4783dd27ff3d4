/** Which findings somebody wants to see. Pure. */
import type { Finding } from "../../doctor/verdicts/finding.ts";

const SEVERITIES = ["info", "warning", "error"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** By their ids, or by the layers that these begin with. */
export interface Selection {
  readonly only: readonly string[];
  readonly skip: readonly string[];
}

export function isSeverity(text: string): text is Severity {
  return SEVERITIES.some((one) => one === text);
}

/** What is no warning and no fault is information. */
export function severityOf({ status }: Pick<Finding, "status">): Severity {
  if (status === "failed") return "error";
  return status === "warning" ? "warning" : "info";
}

export function isAtLeast(finding: Pick<Finding, "status">, min: Severity): boolean {
  return SEVERITIES.indexOf(severityOf(finding)) >= SEVERITIES.indexOf(min);
}

export function isSelected(
  { id, layer }: Pick<Finding, "id" | "layer">,
  { only, skip }: Selection,
): boolean {
  const isNamed = (names: readonly string[]): boolean =>
    names.some((name) => name === id || name === layer);
  return (only.length === 0 || isNamed(only)) && !isNamed(skip);
}
