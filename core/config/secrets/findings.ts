/** What an audit of secrets can find. Source: `openclaw secrets audit --json` of 2026.9. */

export type FindingCode =
  | "PLAINTEXT_FOUND"
  | "REF_UNRESOLVED"
  | "PLACEHOLDER_VALUE"
  | "REF_SHADOWED"
  | "STORE_PLAINTEXT_RESIDUE"
  | "LEGACY_RESIDUE";

export interface SecretFinding {
  readonly code: FindingCode;
  readonly severity: "info" | "warn" | "error";
  readonly file: string;
  /** Dotted; `$env.NAME` in a file of variables. */
  readonly jsonPath: string;
  /** Never with a part of a secret. */
  readonly message: string;
}

export interface SecretAudit {
  readonly version: 1;
  readonly status: "clean" | "findings" | "unresolved";
  readonly resolution: {
    readonly refsChecked: number;
    readonly skippedExecRefs: number;
    readonly resolvabilityComplete: boolean;
  };
  readonly filesScanned: readonly string[];
  readonly summary: Readonly<Record<SummaryKey, number>>;
  readonly findings: readonly SecretFinding[];
}

const COUNTED = {
  plaintextCount: ["PLAINTEXT_FOUND"],
  unresolvedRefCount: ["REF_UNRESOLVED", "PLACEHOLDER_VALUE"],
  shadowedRefCount: ["REF_SHADOWED"],
  storeResidueCount: ["STORE_PLAINTEXT_RESIDUE"],
  legacyResidueCount: ["LEGACY_RESIDUE"],
} as const satisfies Record<string, readonly FindingCode[]>;
type SummaryKey = keyof typeof COUNTED;

/** The audit as a document. Pure. */
export function auditOf(
  findings: readonly SecretFinding[],
  filesScanned: readonly string[],
  { refsChecked, skippedExecRefs }: { refsChecked: number; skippedExecRefs: number },
): SecretAudit {
  const count = (codes: readonly FindingCode[]): number =>
    findings.filter(({ code }) => codes.includes(code)).length;
  const summary = {
    plaintextCount: count(COUNTED.plaintextCount),
    unresolvedRefCount: count(COUNTED.unresolvedRefCount),
    shadowedRefCount: count(COUNTED.shadowedRefCount),
    storeResidueCount: count(COUNTED.storeResidueCount),
    legacyResidueCount: count(COUNTED.legacyResidueCount),
  };
  const found = findings.length === 0 ? "clean" : "findings";
  return {
    version: 1,
    status: summary.unresolvedRefCount > 0 ? "unresolved" : found,
    resolution: { refsChecked, skippedExecRefs, resolvabilityComplete: skippedExecRefs === 0 },
    filesScanned,
    summary,
    findings,
  };
}
