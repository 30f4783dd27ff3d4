import { readFile } from "node:fs/promises";
import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { jsonOrUndefined } from "../../shared/json.ts";
import { envNames } from "../config/write/env-file.ts";
import { variableFor } from "../config/secrets/names.ts";
import { type FoundKey, keysIn } from "./profiles.ts";
import type { Source } from "./source.ts";
import type { Step } from "./step.ts";
import { variableStep } from "./variables.ts";

/** Providers whose variable is looked at without the config saying so. */
const BUILT_IN: ReadonlySet<string> = new Set(["anthropic", "openai"]);
/** Beyond that it is no list of profiles. */
const MAX_BYTES = 1024 * 1024;

/** What of the keys concerns the config: provider -> the variable its key is in. */
export interface KeyPlan {
  readonly steps: readonly Step[];
  readonly references: ReadonlyMap<string, string>;
}

/** @param databases - Its databases, opened. */
export async function keyPlan(
  source: Source,
  databases: readonly DatabaseSync[],
  envFile: string,
): Promise<KeyPlan> {
  const files = [source.profilesFile, ...source.agents.map(({ profilesFile }) => profilesFile)];
  const documents = [...databases.flatMap(storesIn), ...(await Promise.all(files.map(documentAt)))];
  const ours = await envNames(envFile);
  const steps: Step[] = [];
  const references = new Map<string, string>();
  const seen = new Map<string, string>();
  for (const found of documents.flatMap(keysIn)) {
    const step = stepFor(found, seen, ours, envFile);
    if (step !== undefined) steps.push(step);
    if (found.kind === "none") continue;
    const { provider } = found;
    const name = found.kind === "variable" ? found.name : variableFor(provider);
    const isFound = BUILT_IN.has(provider) && name === variableFor(provider);
    if (!isFound && !references.has(provider)) references.set(provider, name);
  }
  return { steps, references };
}

/** @param seen - The value that each provider has by now. */
function stepFor(
  found: FoundKey,
  seen: Map<string, string>,
  ours: ReadonlyMap<string, string>,
  envFile: string,
): Step | undefined {
  const { kind, profile } = found;
  const named = { part: "keys", name: profile } as const;
  if (kind === "none") return { ...named, verdict: "left", note: found.reason };
  const { provider } = found;
  if (kind === "variable") {
    return { ...named, verdict: "same", note: `its key is in ${found.name}` };
  }
  const earlier = seen.get(provider);
  // Each agent may have a copy of the same.
  if (earlier === found.value) return undefined;
  if (earlier !== undefined) {
    return { ...named, verdict: "left", note: `it is a second key of ${provider}` };
  }
  seen.set(provider, found.value);
  const name = variableFor(provider);
  const step = variableStep({ part: "keys", name }, found.value, ours, envFile);
  return { ...step, note: step.note ?? `of ${profile}` };
}

const Shared = z.object({ value_json: z.string() });
const Own = z.object({ store_json: z.string() });

/** Since 2026.9 all agents share one, in the database of the gateway; each may have its own as well. */
function storesIn(db: DatabaseSync): unknown[] {
  return [
    ...texts(
      db,
      "select value_json from config_machine_state where state_key = 'authProfiles.store'",
      (row) => Shared.parse(row).value_json,
    ),
    ...texts(db, "select store_json from auth_profile_store", (row) => Own.parse(row).store_json),
  ].map(jsonOrUndefined);
}

function texts(db: DatabaseSync, sql: string, textOf: (row: unknown) => string): string[] {
  try {
    return db.prepare(sql).all().map(textOf);
  } catch {
    return []; // one of the two has no such table
  }
}

async function documentAt(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.length > MAX_BYTES ? undefined : jsonOrUndefined(text);
}
