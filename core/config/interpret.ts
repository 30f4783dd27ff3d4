import JSON5 from "json5";
import { err, ok, type Result } from "../../shared/result.ts";
import { Secret } from "../../shared/secret.ts";
import { addConfigBlock, EnvBlock } from "./environment.ts";
import type { ConfigError, Issue } from "./error.ts";
import { pathText, toIssues } from "./issues.ts";
import { stripPassedOver } from "./known-keys.ts";
import type { Environment } from "./paths.ts";
import { brokenRules } from "./rules.ts";
import { type Config, ConfigSchema } from "./schema.ts";
import { type Missing, substitute } from "./substitute.ts";
import { isDeeperThan, isTree, omit, type Tree } from "./tree.ts";

/** Deeper than any setting: a file that goes on is a mistake, or an attack on the stack. */
const MAX_DEPTH = 32;

/** Settings that hold a credential, by dotted path. */
const CREDENTIAL =
  /^(?:gateway\.auth\.token|hooks\.token|channels\.telegram\.botToken|models\.providers\.[^.]+\.apiKey|sallyport\.edge\.(?:pairing|access\.clientSecret)|sallyport\.upstream\.(?:token|hooksToken))$/;

/** The same of webhooks, whose names may have dots in them. Left as it is, `${NAME}` would be the secret. */
const WEBHOOK_CREDENTIAL =
  /^sallyport\.ingress\.routes\..+\.(?:secret|(?:secrets|verify\.(?:publicKeys|appIds|audiences|verifyTokens))(?:\.\d+)?|forward\.headers\..+)$/;

export interface Interpreted {
  readonly config: Config;
  /** One line each, for the person who wrote the file. */
  readonly warnings: readonly string[];
  /** The given variables and those of the config's own `env` block. */
  readonly environment: Environment;
  /** As it was checked, as JSON: credentials and all. */
  readonly source: Secret;
}

/** From the text of a config to what it means: the same text and variables give the same. Pure. */
export function interpret(
  text: string,
  file: string,
  given: Environment,
): Result<Interpreted, ConfigError> {
  const parsed = parse(text, file);
  if (!parsed.ok) return parsed;
  const shape = wrongShape(parsed.value);
  if (!isTree(parsed.value) || shape !== undefined) {
    return err({ reason: "invalid", file, issues: [shape ?? NOT_AN_OBJECT] });
  }

  const { env, $schema: _forEditors, ...settings } = parsed.value;
  const block = EnvBlock.safeParse(substitute(env ?? {}, (name) => given[name]).value);
  if (!block.success) return err({ reason: "invalid", file, issues: toIssues(block.error, "env") });
  const environment = addConfigBlock(given, block.data);
  const stripped = stripPassedOver(settings);
  const renamed = renameTelegramToken(stripped.value);
  const filled = substitute(renamed.value, (name) => environment[name]);
  const unset = new Set(filled.missing.map(dotted).filter(isCredential));

  const usable = omit(filled.value, unset);
  const checked = ConfigSchema.safeParse(usable);
  if (!checked.success) return err({ reason: "invalid", file, issues: toIssues(checked.error) });
  const broken = brokenRules(checked.data, environment, unset);
  if (broken.length > 0) return err({ reason: "invalid", file, issues: broken });
  return ok({
    config: checked.data,
    environment,
    source: new Secret(JSON.stringify(usable)),
    warnings: [
      ...(block.data.shellEnv?.enabled === true ? [passedOverText(["env", "shellEnv"])] : []),
      ...renamed.warnings,
      ...stripped.unused.map(passedOverText),
      ...filled.missing.map((missing) => unsetText(missing, unset)),
    ],
  });
}

function parse(text: string, file: string): Result<unknown, ConfigError> {
  try {
    const value: unknown = JSON5.parse(text);
    return ok(value);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return err({
      reason: "syntax",
      file,
      line: numberOf(error, "lineNumber"),
      column: numberOf(error, "columnNumber"),
      detail: error.message.replace(/^JSON5: | at \d+:\d+$/g, ""),
    });
  }
}

/** JSON5 tells the place in fields that its types do not have. */
function numberOf(error: SyntaxError, field: "lineNumber" | "columnNumber"): number {
  const value: unknown = Reflect.get(error, field);
  return typeof value === "number" ? value : 1;
}

const NOT_AN_OBJECT: Issue = { path: "", message: "a config is an object: { … }" };

function wrongShape(root: unknown): Issue | undefined {
  if (!isTree(root)) return NOT_AN_OBJECT;
  if (isDeeperThan(root, MAX_DEPTH)) return { path: "", message: "it is nested too deeply" };
  if ("$include" in root) {
    return { path: "$include", message: "is not supported by this version: use one file" };
  }
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

function isCredential(path: string): boolean {
  return CREDENTIAL.test(path) || WEBHOOK_CREDENTIAL.test(path);
}

function unsetText(missing: Missing, unset: ReadonlySet<string>): string {
  const consequence = unset.has(dotted(missing)) ? ", so it counts as left out" : "";
  return `${pathText(missing.path)} needs the variable ${missing.name}, which is not set${consequence}`;
}
