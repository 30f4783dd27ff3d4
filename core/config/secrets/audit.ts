/** Looks for secrets that stand where they should not, and for references that lead nowhere. */
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isReference, isSensitive } from "../credentials.ts";
import { envNames } from "../write/env-file.ts";
import { textOf } from "../write/replace.ts";
import { readSmallFile } from "../file/files.ts";
import type { Filled } from "../file/interpret.ts";
import { fillFrom, readSources, type Sources } from "../file/load.ts";
import { REDACTED } from "../file/redact.ts";
import { issuesOf } from "../file/snapshot.ts";
import type { ConfigError } from "../issues/error.ts";
import { pathText } from "../issues/path-text.ts";
import { resolvePaths, type Surroundings } from "../paths.ts";
import { isTree, mapTexts, valueAt } from "../tree.ts";
import { auditOf, type SecretAudit, type SecretFinding } from "./findings.ts";
import type { SecretReference } from "./reference.ts";
import { resolveSecrets, SecretMemory } from "./resolve.ts";
import { kindOf, SecretStore } from "./store.ts";

/** Folders of agents that are looked into; OpenClaw has one for each agent. */
const MAX_AGENTS = 256;

export interface AuditRequest extends Surroundings {
  /** Of this process; undefined where there are no user ids. */
  readonly uid: number | undefined;
  /** Whether programs that have secrets may be asked. */
  readonly allowExec: boolean;
}

/** Never fails: what cannot be read is a finding. */
export async function auditSecrets(request: AuditRequest): Promise<SecretAudit> {
  const { configPath, stateDir, envFiles } = resolvePaths(request);
  const store = new SecretStore(stateDir, request.uid);
  const variables = [...new Set([envFiles.state, join(dirname(configPath), ".env")])];
  const legacy = await legacyFiles(stateDir);
  const [ofConfig, ofVariables] = await Promise.all([
    auditConfig(request, store),
    Promise.all(variables.map(auditVariables)),
  ]);
  const { findings, files, ...checked } = ofConfig;
  const all = [
    ...findings,
    ...ofVariables.flat(),
    ...legacy.map((file): SecretFinding => {
      const message = "holds credentials of OpenClaw, which this version does not use";
      return { code: "LEGACY_RESIDUE", severity: "warn", file, jsonPath: "profiles", message };
    }),
  ];
  return auditOf(all, [...new Set([...files, ...variables, store.file, ...legacy])], checked);
}

interface Looked {
  readonly findings: readonly SecretFinding[];
  readonly files: readonly string[];
  readonly refsChecked: number;
  readonly skippedExecRefs: number;
}

async function auditConfig(request: AuditRequest, store: SecretStore): Promise<Looked> {
  const { configPath } = resolvePaths(request);
  const read = await readSources(request, readSmallFile);
  if (!read.ok) {
    const findings = unreadable(read.error, configPath);
    return { findings, files: [configPath], refsChecked: 0, skippedExecRefs: 0 };
  }
  const files = [configPath, ...read.value.composed.included.keys()];
  const plain = plaintext(read.value);
  const residue = await storeResidue(read.value, store, plain);
  const filled = await fillFrom(read.value, configPath);
  if (!filled.ok) {
    const findings = [...plain, ...residue, ...unreadable(filled.error, configPath)];
    return { findings, files, refsChecked: 0, skippedExecRefs: 0 };
  }
  const unset = filled.value.missing
    .filter(({ path }) => isSensitive(path))
    .map(({ path, name }) => unresolved(configPath, path, `the variable ${name} is not set`));
  const { findings, ...checked } = await auditReferences(filled.value, request);
  const shadowed = shadowedReferences(filled.value, read.value, configPath);
  return {
    findings: [...plain, ...residue, ...unset, ...findings, ...shadowed],
    files,
    ...checked,
  };
}

/** Settings that hold a secret itself, and not a word on where it is. */
function plaintext({ composed, paths }: Sources): SecretFinding[] {
  const findings: SecretFinding[] = [];
  mapTexts(composed.value, (text, path) => {
    if (!isPlain(text, path)) return text;
    const owner = composed.boundaries
      .filter((one) => one.path.every((part, index) => path[index] === part))
      .toSorted((a, b) => b.path.length - a.path.length)[0];
    const jsonPath = pathText(path);
    const message = `${jsonPath} is stored in clear: sallyport secrets configure moves it`;
    const file = owner?.files[0] ?? paths.configPath;
    findings.push({ code: "PLAINTEXT_FOUND", severity: "warn", file, jsonPath, message });
    return text;
  });
  return findings;
}

function isPlain(text: string, path: readonly string[]): boolean {
  return text !== "" && isSensitive(path) && !isReference(text) && !text.includes("${");
}

async function storeResidue(
  { composed, paths }: Sources,
  store: SecretStore,
  plain: readonly SecretFinding[],
): Promise<SecretFinding[]> {
  const values = await store.values();
  if (!values.ok) return [unresolved(store.file, [], values.error)];
  const names = new Map([...values.value].map(([name, value]) => [value.reveal(), name]));
  if (plain.length === 0 || names.size === 0) return [];
  const findings: SecretFinding[] = [];
  mapTexts(composed.value, (text, path) => {
    const name = isPlain(text, path) ? names.get(text) : undefined;
    if (name === undefined) return text;
    const jsonPath = pathText(path);
    const message = `${jsonPath} is in clear what the store has as ${name}`;
    const file = paths.configPath;
    findings.push({ code: "STORE_PLAINTEXT_RESIDUE", severity: "warn", file, jsonPath, message });
    return text;
  });
  return findings;
}

async function auditReferences(
  { references, secrets, environment }: Filled,
  request: AuditRequest,
): Promise<Pick<Looked, "findings" | "refsChecked" | "skippedExecRefs">> {
  const { home, stateDir, configPath } = resolvePaths(request);
  const asked = references.filter(({ source }) => request.allowExec || source !== "exec");
  const memory = new SecretMemory();
  const { uid } = request;
  const { missing, values } = await resolveSecrets(asked, {
    secrets,
    environment,
    stateDir,
    memory,
    uid,
    home,
  });
  const findings = asked.flatMap((reference): SecretFinding[] => {
    const dotted = reference.path.join(".");
    const why = missing.get(dotted);
    if (why !== undefined) return [unresolved(configPath, reference.path, whyOf(reference, why))];
    if (values.get(dotted)?.includes(REDACTED) !== true) return [];
    const message = "its secret is the mark of a value that was not shown: set it anew";
    const code = "PLACEHOLDER_VALUE";
    return [{ ...unresolved(configPath, reference.path, message), code }];
  });
  const skippedExecRefs = references.length - asked.length;
  return { findings, refsChecked: asked.length, skippedExecRefs };
}

function whyOf({ source, provider }: SecretReference, why: string): string {
  return `its ${source} reference (${provider}) cannot be resolved: ${why}`;
}

/** A variable of the process wins over these settings, so a reference there may never be used. */
function shadowedReferences(
  { references }: Filled,
  { variables }: Sources,
  file: string,
): SecretFinding[] {
  const own = {
    "gateway.auth.token": "OPENCLAW_GATEWAY_TOKEN",
    "gateway.auth.password": "OPENCLAW_GATEWAY_PASSWORD",
  };
  return Object.entries(own).flatMap(([jsonPath, name]): SecretFinding[] => {
    const isSet = (variables.environment[name] ?? "") !== "";
    const reference = references.find(({ path }) => path.join(".") === jsonPath);
    const isSame = reference?.source === "env" && reference.id === name;
    if (!isSet || reference === undefined || isSame) return [];
    const message = `the variable ${name} wins over this reference`;
    return [{ code: "REF_SHADOWED", severity: "warn", file, jsonPath, message }];
  });
}

async function auditVariables(file: string): Promise<SecretFinding[]> {
  const names = await envNames(file).catch(() => new Map<string, string>());
  return [...names.keys()]
    .filter((name) => kindOf(name) === "secret")
    .map((name) => {
      const message = `${name} is stored in clear in a file of variables`;
      return {
        code: "PLAINTEXT_FOUND",
        severity: "warn",
        file,
        jsonPath: `$env.${name}`,
        message,
      } as const;
    });
}

/** Where OpenClaw keeps keys of its own: nothing of ours reads or writes them. */
async function legacyFiles(stateDir: string): Promise<string[]> {
  const agents = await readdir(join(stateDir, "agents")).catch(() => []);
  const files = agents
    .slice(0, MAX_AGENTS)
    .map((agent) => join(stateDir, "agents", agent, "agent", "auth-profiles.json"));
  const texts = await Promise.all(files.map(textOf));
  return files.filter((_file, index) => hasProfiles(texts[index]));
}

function hasProfiles(text: string | undefined): boolean {
  try {
    const profiles = valueAt(JSON.parse(text ?? "{}"), ["profiles"]);
    return isTree(profiles) && Object.keys(profiles).length > 0;
  } catch {
    return false; // what is not JSON is none of that
  }
}

function unresolved(file: string, path: readonly string[], message: string): SecretFinding {
  const jsonPath = pathText(path);
  return { code: "REF_UNRESOLVED", severity: "error", file, jsonPath, message };
}

function unreadable(error: ConfigError, file: string): SecretFinding[] {
  return issuesOf(error).map(({ path, message }) => ({
    code: "REF_UNRESOLVED",
    severity: "error",
    file,
    jsonPath: path,
    message,
  }));
}
