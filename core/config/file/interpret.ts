import type * as z from "zod";
import { err, ok, type Result } from "../../../shared/result.ts";
import { Secret } from "../../../shared/secret.ts";
import { isCredential } from "../credentials.ts";
import { addConfigBlock, EnvBlock } from "../environment/environment.ts";
import type { ConfigError, Issue } from "../issues/error.ts";
import { toIssues } from "../issues/issues.ts";
import { stripPassedOver } from "../issues/known-keys.ts";
import { parseText } from "./parse.ts";
import { pathText } from "../issues/path-text.ts";
import type { Environment } from "../paths.ts";
import { brokenRules } from "../issues/rules.ts";
import { type Config, ConfigSchema } from "../schema.ts";
import { findReferences, isSecretReference, type SecretReference } from "../secrets/reference.ts";
import type { ResolvedSecrets } from "../secrets/resolve.ts";
import { Secrets } from "../sections/secrets.ts";
import { type Missing, substitute, variablesIn } from "../environment/substitute.ts";
import {
  variableIssues,
  type WholeVariables,
  wholeVariables,
  withTypes,
} from "./variable-types.ts";
import { isDeeperThan, isTree, mapTexts, omit, type Tree } from "../tree.ts";

/** Deeper than any setting: a file that goes on is a mistake, or an attack on the stack. */
const MAX_DEPTH = 32;

/** The other way to refer to a variable, where a credential is meant: `"$NAME"`. */
const SHORT_REFERENCE = /^\$(?<name>[A-Z][A-Z0-9_]{0,127})$/;

/** A config before its variables are filled in. */
export interface Draft {
  readonly settings: Tree;
  /** The given variables and those of the config's own `env` block. */
  readonly environment: Environment;
  readonly shellEnv: EnvBlock["shellEnv"];
  /** Variables it refers to that are not set. */
  readonly unset: readonly string[];
}

/** A config with its variables, before the secrets that are kept elsewhere are in it. */
export interface Filled {
  readonly value: unknown;
  readonly missing: readonly Missing[];
  /** Settings that are one variable and nothing else. */
  readonly variables: WholeVariables;
  readonly environment: Environment;
  readonly secrets: Secrets;
  readonly references: readonly SecretReference[];
  readonly warnings: readonly string[];
}

export interface Interpreted {
  readonly config: Config;
  /** One line each, for the person who wrote the file. */
  readonly warnings: readonly string[];
  /** The given variables and those of the config's own `env` block. */
  readonly environment: Environment;
  /** As it was checked, as JSON: credentials and all. */
  readonly source: Secret;
  /** Credentials that refer to a variable which is not set, dotted, with its name. */
  readonly unsetVariables: ReadonlyMap<string, string>;
  /** Credentials whose secret is kept elsewhere and not to be had, dotted, with the reason. */
  readonly missingSecrets: ReadonlyMap<string, string>;
}

/** Makes another config of one whose variables and secrets are filled in. Pure. */
export type Adjust = (settings: unknown) => unknown;

const NO_SECRETS: ResolvedSecrets = { values: new Map(), missing: new Map(), warnings: [] };

/** From the text of a config to what it means: the same text and variables give the same. Pure. */
export function interpret(
  text: string,
  file: string,
  given: Environment,
): Result<Interpreted, ConfigError> {
  const parsed = parseText(text, file);
  if (!parsed.ok) return parsed;
  const draft = draftOf(parsed.value, file, given);
  if (!draft.ok) return draft;
  const filled = fill(draft.value, file, draft.value.environment);
  return filled.ok ? finish(filled.value, file, NO_SECRETS) : filled;
}

/** What a config is before anything is filled in. Pure. */
export function draftOf(
  root: unknown,
  file: string,
  given: Environment,
): Result<Draft, ConfigError> {
  const shape = wrongShape(root);
  if (!isTree(root) || shape !== undefined) {
    return err({ reason: "invalid", file, issues: [shape ?? NOT_AN_OBJECT] });
  }
  const { env, $schema: _forEditors, ...settings } = root;
  const block = EnvBlock.safeParse(substitute(env ?? {}, (name) => given[name]).value);
  if (!block.success) return err({ reason: "invalid", file, issues: toIssues(block.error, "env") });
  const environment = addConfigBlock(given, block.data);
  const unset = variablesIn(settings).filter((name) => (environment[name] ?? "") === "");
  return ok({ settings, environment, shellEnv: block.data.shellEnv, unset });
}

/** Fills in the variables and finds the secrets that are kept elsewhere. Pure. */
export function fill(
  { settings }: Draft,
  file: string,
  environment: Environment,
): Result<Filled, ConfigError> {
  const stripped = stripPassedOver(settings);
  const renamed = renameTelegramToken(stripped.value);
  const written = mapTexts(renamed.value, longReference);
  const { value, missing } = substitute(written, (name) => environment[name]);
  if (isStrict(value) && missing.length > 0) {
    return err({ reason: "invalid", file, issues: missing.map(unsetIssue) });
  }
  const secrets = Secrets.safeParse(treeAt(value, "secrets"));
  if (!secrets.success) {
    return err({ reason: "invalid", file, issues: toIssues(secrets.error, "secrets") });
  }
  const { references, issues } = findReferences(value, secrets.data);
  if (issues.length > 0) return err({ reason: "invalid", file, issues });
  const warnings = [...renamed.warnings, ...stripped.unused.map(passedOverText)];
  const variables = wholeVariables(written);
  return ok({
    value,
    missing,
    variables,
    environment,
    secrets: secrets.data,
    references,
    warnings,
  });
}

/**
 * Checks the whole. Pure.
 *
 * @param adjust - What of the config counts, where not all of it does.
 */
export function finish(
  { value, missing, variables, environment, warnings }: Filled,
  file: string,
  resolved: ResolvedSecrets,
  adjust: Adjust = (tree) => tree,
): Result<Interpreted, ConfigError> {
  const unsetVariables = new Map(
    missing.map((one) => [dotted(one), one.name] as const).filter(([path]) => isCredential(path)),
  );
  const unavailable = new Set([...unsetVariables.keys(), ...resolved.missing.keys()]);
  const texts = adjust(putSecrets(omit(value, unavailable), resolved.values));
  const { usable, checked } = checkedTypes(texts, variables);
  if (!checked.success) {
    const ofVariables = variableIssues(usable, checked.error, variables);
    const issues = toIssues(checked.error).map((issue) => ofVariables.get(issue.path) ?? issue);
    return err({ reason: "invalid", file, issues });
  }
  const broken = brokenRules(checked.data, environment, unavailable);
  if (broken.length > 0) return err({ reason: "invalid", file, issues: broken });
  return ok({
    config: checked.data,
    environment,
    source: new Secret(JSON.stringify(usable)),
    unsetVariables,
    missingSecrets: resolved.missing,
    warnings: [
      ...warnings,
      ...missing.map((one) => unsetText(one, unavailable)),
      ...resolved.warnings,
    ],
  });
}

/** What a variable holds is text; where a number or a switch is wanted it is looked at again. */
function checkedTypes(
  texts: unknown,
  variables: WholeVariables,
): { readonly usable: unknown; readonly checked: z.ZodSafeParseResult<Config> } {
  const checked = ConfigSchema.safeParse(texts);
  if (checked.success || variables.size === 0) return { usable: texts, checked };
  const usable = withTypes(texts, checked.error, variables);
  return { usable, checked: ConfigSchema.safeParse(usable) };
}

function putSecrets(
  value: unknown,
  secrets: ReadonlyMap<string, string>,
  path: readonly string[] = [],
): unknown {
  if (Array.isArray(value)) {
    return value.map((one: unknown, index) => putSecrets(one, secrets, [...path, String(index)]));
  }
  if (!isTree(value)) return value;
  const secret = isSecretReference(value) ? secrets.get(path.join(".")) : undefined;
  if (secret !== undefined) return secret;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, putSecrets(child, secrets, [...path, key])]),
  );
}

function longReference(text: string, path: readonly string[]): string {
  const name = SHORT_REFERENCE.exec(text)?.groups?.["name"];
  return name === undefined || !isCredential(path.join(".")) ? text : `\${${name}}`;
}

function isStrict(value: unknown): boolean {
  return treeAt(treeAt(value, "sallyport"), "config")["strictVariables"] === true;
}

function unsetIssue({ path, name }: Missing): Issue {
  return { path: pathText(path), message: `needs the variable ${name}, which is not set` };
}

const NOT_AN_OBJECT: Issue = { path: "", message: "a config is an object: { … }" };

function wrongShape(root: unknown): Issue | undefined {
  if (!isTree(root)) return NOT_AN_OBJECT;
  if (isDeeperThan(root, MAX_DEPTH)) return { path: "", message: "it is nested too deeply" };
  // To pass over this one would put credentials on the network in the clear.
  if (treeAt(treeAt(root, "gateway"), "tls")["enabled"] === true) {
    return {
      path: "gateway.tls.enabled",
      message: "is not supported by this version: leave TLS to the edge or to a proxy",
    };
  }
  return undefined;
}

/** Many guides of OpenClaw's first months call it `token`. */
function renameTelegramToken(root: unknown): { value: unknown; warnings: string[] } {
  const telegram = treeAt(treeAt(root, "channels"), "telegram");
  if (!isTree(root) || !("token" in telegram) || "botToken" in telegram) {
    return { value: root, warnings: [] };
  }
  const { token, ...others } = telegram;
  const channels = { ...treeAt(root, "channels"), telegram: { ...others, botToken: token } };
  return {
    value: { ...root, channels },
    warnings: ["channels.telegram.token is an old name: call it botToken"],
  };
}

function passedOverText(path: readonly string[]): string {
  return `${pathText(path)} is known, but not used by this version`;
}

function treeAt(value: unknown, key: string): Tree {
  const child = isTree(value) ? value[key] : undefined;
  return isTree(child) ? child : {};
}

function dotted({ path }: Missing): string {
  return path.join(".");
}

function unsetText(missing: Missing, unset: ReadonlySet<string>): string {
  const consequence = unset.has(dotted(missing)) ? ", so it counts as left out" : "";
  return `${pathText(missing.path)} needs the variable ${missing.name}, which is not set${consequence}`;
}
