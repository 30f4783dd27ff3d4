import { createHash } from "node:crypto";
import { checkConfig, type Checked } from "./check.ts";
import type { ConfigError, Issue } from "../issues/error.ts";
import { configErrorText } from "../issues/error.ts";
import { readSmallFile } from "./files.ts";
import { hashOf } from "./load.ts";
import { parseText } from "./parse.ts";
import { resolvePaths, type Surroundings } from "../paths.ts";
import { redact, REDACTED, secretsIn } from "./redact.ts";
import type { Config } from "../schema.ts";
import { isTree } from "../tree.ts";

/** A config as it may be shown: no secret is in any part of it. */
export interface ConfigSnapshot {
  readonly path: string;
  readonly exists: boolean;
  readonly valid: boolean;
  readonly issues: readonly Issue[];
  readonly warnings: readonly string[];
  /** Of all that is written: what a change is based on. */
  readonly hash: string;
  /** Of what that means, with its variables. */
  readonly revisionHash: string;
  /** Files it includes. */
  readonly included: readonly string[];
  /** The text of the config itself; null when it holds what is not shown. */
  readonly raw: string | null;
  /** The config itself, as it is written. */
  readonly parsed: unknown;
  /** With all it includes. */
  readonly authored: unknown;
  /** The same with its variables. */
  readonly resolved: unknown;
  /** The same with every default; undefined when it is not valid. */
  readonly effective: unknown;
}

/** Reads the config as it is now. Never fails: what is wrong with it is part of the answer. */
export async function snapshotOf(surroundings: Surroundings): Promise<ConfigSnapshot> {
  const read = await checkConfig(surroundings, readSmallFile);
  return read.ok ? readable(read.value) : broken(surroundings, read.error);
}

function readable({ sources, filled, checked, unfit }: Checked): ConfigSnapshot {
  const { text, composed, paths } = sources;
  const effective: Config | undefined = checked.ok ? checked.value.config : undefined;
  const own = parseText(text ?? "{}", paths.configPath);
  const secrets = new Set([
    ...secretsIn(composed.value),
    ...secretsIn(filled.value),
    ...secretsIn(effective),
  ]);
  const parsed = own.ok ? own.value : {};
  const shown = redact(parsed, secrets);
  const hasHidden = JSON.stringify(shown) !== JSON.stringify(parsed);
  const leaks = [...secrets].some((secret) => text?.includes(secret) === true);
  return {
    path: paths.configPath,
    exists: text !== undefined,
    valid: checked.ok && unfit.length === 0,
    issues: checked.ok ? unfit : issuesOf(checked.error),
    warnings: [...sources.warnings, ...(checked.ok ? checked.value.warnings : filled.warnings)],
    hash: hashOf(text, composed),
    revisionHash: digest(JSON.stringify(filled.value)),
    included: [...composed.included.keys()],
    raw: hasHidden || leaks ? null : (text ?? null),
    parsed: shown,
    authored: redact(composed.value, secrets),
    resolved: redact(filled.value, secrets),
    effective: effective && redact(effective, secrets),
  };
}

async function broken(surroundings: Surroundings, fault: ConfigError): Promise<ConfigSnapshot> {
  const { configPath } = resolvePaths(surroundings);
  const text = await readSmallFile(configPath);
  const raw = text.ok ? text.value : undefined;
  const read = parseText(raw ?? "{}", configPath);
  const tree = read.ok && isTree(read.value) ? redact(read.value, secretsIn(read.value)) : {};
  return {
    path: configPath,
    exists: raw !== undefined || !text.ok,
    valid: false,
    issues: issuesOf(fault),
    warnings: [],
    hash: digest(raw ?? ""),
    revisionHash: digest(raw ?? ""),
    included: [],
    // What cannot be read cannot be looked through for secrets.
    raw: null,
    parsed: tree,
    authored: tree,
    resolved: tree,
    effective: undefined,
  };
}

/** What is wrong, setting by setting. */
export function issuesOf(fault: ConfigError): readonly Issue[] {
  if (fault.reason === "invalid") return fault.issues;
  return [{ path: "", message: configErrorText(fault) }];
}

/** True for what is there and not shown. */
export function isHidden(value: unknown): boolean {
  return value === REDACTED;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
