import { pathText } from "../../config/issues/path-text.ts";
import type { ConfigSnapshot } from "../../config/file/snapshot.ts";

/** The answer of `config.get`. Source: that of OpenClaw 2026.9.6. */
export function configAnswer(snapshot: ConfigSnapshot, appliedHash: string | undefined): unknown {
  const { path, exists, valid, raw, parsed, authored, resolved, effective } = snapshot;
  return {
    path,
    includedPaths: snapshot.included,
    includeProvenance: [],
    agentRosterIncludeOwned: false,
    bindingsIncludeOwned: false,
    exists,
    raw,
    parsed,
    sourceConfig: authored,
    resolved,
    valid,
    runtimeConfig: effective ?? resolved,
    // What a form shows and sends back: without defaults, which would be written down by that.
    config: resolved,
    hash: snapshot.hash,
    configRevisionHash: snapshot.revisionHash,
    ...(appliedHash === undefined ? {} : { appliedConfigHash: appliedHash }),
    issues: snapshot.issues,
    warnings: snapshot.warnings.map((message) => ({ path: "", message })),
    legacyIssues: [],
  };
}

/** Paths as programs read them. */
export function pathTexts(paths: readonly (readonly string[])[]): string[] {
  return paths.map((path) => (path.length === 0 ? "" : pathText(path)));
}
