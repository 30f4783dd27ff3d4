import { dirname, resolve } from "node:path";
import { LIMITS } from "../../shared/limits.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { Secret } from "../../shared/secret.ts";
import { agentsOf } from "./agents.ts";
import { thisMachine } from "./bind.ts";
import { type Credential, earlierCredential, generatedCredential } from "./credential.ts";
import type { ConfigError } from "./issues/error.ts";
import { prepareStateDir } from "./file/files.ts";
import {
  authModeOf,
  type GatewaySettings,
  gatewaySettingsOf,
  gatewayWarnings,
  passwordOf,
} from "./gateway-settings.ts";
import { type Ingress, ingressOf } from "./ingress/ingress-settings.ts";
import type { Adjust } from "./file/interpret.ts";
import { type LoadedConfig, loadConfig } from "./file/load.ts";
import { modelChainOf, providersOf } from "./models.ts";
import { type Flags, type Overrides, readOverrides } from "./environment/overrides.ts";
import type { Environment, Surroundings } from "./paths.ts";
import type { Config } from "./schema.ts";
import type { EdgeSettings, Settings, TelegramSettings } from "./settings.ts";
import { SecretMemory } from "./secrets/resolve.ts";
import { secretStoreFile } from "./secrets/store-file.ts";
import { isTree } from "./tree.ts";
import type { ConfigWriter } from "./write/writer.ts";

/** Below this a token can be guessed by somebody with time; ours have 43 characters. */
const SHORT_TOKEN = 16;

/** Of webhooks, as long as there is no config file. */
const HOOKS_TOKEN = "hooks-token";

export interface LoadRequest extends Surroundings {
  readonly flags: Flags;
  /** Of this process; undefined where there are no user ids. */
  readonly uid: number | undefined;
  /** Secrets of earlier loads, which go on to count while their place cannot be reached. */
  readonly memory?: SecretMemory | undefined;
  /** What of the config counts. Default: all of it. */
  readonly adjust?: Adjust | undefined;
}

/**
 * Everything the gateway needs to know before it starts: reads config and variables, makes the state
 * folder and the credentials that nobody chose. Nothing is made when the config is refused.
 */
export async function loadSettings(request: LoadRequest): Promise<Result<Settings, ConfigError>> {
  const memory: SecretMemory = request.memory ?? new SecretMemory();
  const { uid, adjust } = request;
  const loaded = await loadConfig(request, { uid, memory, adjust });
  if (!loaded.ok) return loaded;
  const overrides = readOverrides(request.flags, loaded.value.environment);
  if (!overrides.ok) return overrides;
  const locked = doorWithoutKey(loaded.value, overrides.value);
  if (locked !== undefined) return err(locked);
  const { config, environment, paths } = loaded.value;
  const gateway = gatewaySettingsOf(config, overrides.value, thisMachine(environment));
  if (!gateway.ok) {
    return err({ reason: "invalid", file: paths.configPath, issues: [gateway.error] });
  }
  const { stateDir } = paths;
  const prepared = await prepareStateDir(stateDir, request.uid);
  if (!prepared.ok) return prepared;
  const token = await gatewayToken(loaded.value, overrides.value);
  if (!token.ok) return token;
  const hooks = await hooksOf(loaded.value);
  if (!hooks.ok) return hooks;
  const ingress = await webhooksOf(loaded.value.config, hooks.value);
  const warnings = await hooksWarnings(loaded.value, hooks.value);
  const openWriter = async (): Promise<ConfigWriter> =>
    new (await import("./write/writer.ts")).ConfigWriter(request);
  const door = { ...gateway.value, token: token.value };
  const made = { gateway: door, hooks: hooks.value, ingress, warnings, openWriter, memory };
  return ok(Object.freeze(combine(loaded.value, overrides.value, made)));
}

/** What is made of the config with more than itself. */
interface Made {
  readonly gateway: GatewaySettings;
  readonly hooks: Settings["hooks"];
  readonly ingress: Ingress;
  readonly warnings: readonly string[];
  readonly openWriter: Settings["openWriter"];
  readonly memory: SecretMemory;
}

/** A gateway whose own credential is kept elsewhere and not to be had must not make itself another. */
function doorWithoutKey(
  { missingSecrets }: LoadedConfig,
  overrides: Overrides,
): ConfigError | undefined {
  for (const name of ["token", "password"] as const) {
    const path = `gateway.auth.${name}`;
    const detail = missingSecrets.get(path);
    if (detail !== undefined && overrides[name] === undefined) {
      return { reason: "secret", path, detail };
    }
  }
  return undefined;
}

function combine(
  loaded: LoadedConfig,
  overrides: Overrides,
  { gateway, hooks, ingress: { ingress, upstreamRoutes, warnings }, ...made }: Made,
): Settings {
  const { config, environment, paths } = loaded;
  const providers = providersOf(config, environment);
  return {
    config,
    configPath: paths.configPath,
    configExists: loaded.exists,
    stateDir: paths.stateDir,
    envFile: paths.envFiles.state,
    files: [...loaded.files, paths.envFiles.state, secretStoreFile(paths.stateDir)],
    configHash: loaded.hash,
    openWriter: made.openWriter,
    secretMemory: made.memory,
    gateway,
    hooks,
    ingress,
    upstreamRoutes,
    telegram: telegramOf(loaded),
    edge: edgeOf(loaded, overrides),
    mode: overrides.mode ?? config.sallyport.core.mode,
    providers,
    modelChain: modelChainOf(config, providers),
    systemPrompt: config.agents.defaults.systemPromptOverride,
    agents: agentsOf(config, environment, providers, {
      stateDir: paths.stateDir,
      home: paths.home,
    }),
    surroundings: surroundingsOf(environment, paths.home),
    limits: config.sallyport.limits,
    logLevel: config.logging.level,
    source: loaded.source,
    warnings: [
      ...loaded.warnings,
      ...gatewayWarnings(config),
      ...warnings,
      ...made.warnings,
      ...tokenWarnings(gateway.token, authModeOf(config.gateway, overrides)),
    ],
  };
}

async function gatewayToken(
  { config, paths }: LoadedConfig,
  overrides: Overrides,
): Promise<Result<Credential, ConfigError>> {
  const isPassword = authModeOf(config.gateway, overrides) === "password";
  const password = isPassword ? passwordOf(config.gateway, overrides) : undefined;
  if (password !== undefined) return ok(password);
  const { token } = overrides;
  if (token !== undefined) return ok(token);
  const configured = config.gateway.auth.token;
  if (configured !== undefined) return ok({ source: "config", secret: configured });
  return generatedCredential(paths.stateDir, "gateway-token");
}

/** With no config file at all they are on, so that a first start has a webhook that works. */
async function hooksOf({
  config,
  exists,
  paths,
}: LoadedConfig): Promise<Result<Settings["hooks"], ConfigError>> {
  const { enabled, path, token } = config.hooks;
  if (exists) {
    const on = enabled && token !== undefined;
    return ok(on ? { path, token: { source: "config", secret: token } } : undefined);
  }
  const generated = await generatedCredential(paths.stateDir, HOOKS_TOKEN);
  return generated.ok ? ok({ path, token: generated.value }) : generated;
}

/** Whoever had them without a file, and now has a file, is told why they are gone. */
async function hooksWarnings(
  { config, exists, paths, source }: LoadedConfig,
  hooks: Settings["hooks"],
): Promise<string[]> {
  const { path, enabled, mappings, presets } = config.hooks;
  if (hooks !== undefined || !exists || enabled || saysHooksAreOff(source)) return [];
  const remedy = "set hooks.enabled and hooks.token";
  const unused = [
    ...(mappings.length === 0 ? [] : ["hooks.mappings"]),
    ...(presets.length === 0 ? [] : ["hooks.presets"]),
  ];
  if (unused.length > 0) return [`${unused.join(" and ")} are off, as all of hooks: ${remedy}`];
  const file = await earlierCredential(paths.stateDir, HOOKS_TOKEN);
  if (file === undefined) return [];
  const names = `${path}/agent and ${path}/wake`;
  return [
    `webhooks to ${names} are off since there is a config file: ${remedy} (until now it was that in ${file}), or hooks.enabled to false`,
  ];
}

function saysHooksAreOff(source: Secret): boolean {
  const written: unknown = JSON.parse(source.reveal());
  return isTree(written) && isTree(written["hooks"]) && written["hooks"]["enabled"] === false;
}

async function webhooksOf(config: Config, hooks: Settings["hooks"]): Promise<Ingress> {
  const token = hooks?.token.secret;
  if (Object.keys(config.sallyport.ingress.routes).length === 0) {
    return ingressOf(config, token, () => LIMITS.maxWebhookBytes);
  }
  // Every way to check a sender: loaded by those who check some.
  const { maxBodyBytesOf } = await import("../../shared/ingress/registry.ts");
  return ingressOf(config, token, maxBodyBytesOf);
}

function telegramOf({ config, environment }: LoadedConfig): TelegramSettings | undefined {
  if (config.channels.telegram === undefined) return undefined;
  const { enabled, botToken, ...others } = config.channels.telegram;
  const fallback = environment["TELEGRAM_BOT_TOKEN"];
  const token = botToken ?? (fallback === undefined ? undefined : new Secret(fallback));
  return enabled && token !== undefined ? { ...others, botToken: token } : undefined;
}

function edgeOf(
  { config, paths, environment }: LoadedConfig,
  overrides: Overrides,
): EdgeSettings | undefined {
  const { edge } = config.sallyport;
  const url = overrides.edgeUrl ?? edge?.url;
  if (url === undefined) return undefined;
  const { access, tls, proxy } = edge ?? {};
  const { clientId, clientSecret } = access ?? {};
  const hasAccess = clientId !== undefined && clientSecret !== undefined;
  const absolute = (file: string): string => resolve(dirname(paths.configPath), file);
  return {
    url,
    pairing: overrides.edgePairing ?? edge?.pairing,
    access: hasAccess ? { clientId, clientSecret } : undefined,
    tls: tls && { certFile: absolute(tls.certFile), keyFile: absolute(tls.keyFile) },
    proxy: typeof proxy === "string" ? new URL(proxy) : proxy,
    proxyVariables: proxyVariablesOf(environment),
  };
}

function proxyVariablesOf(environment: Environment): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const name of ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"]) {
    for (const spelling of [name, name.toLowerCase()]) {
      const value = environment[spelling];
      if (value !== undefined) variables[spelling] = value;
    }
  }
  return variables;
}

function surroundingsOf(environment: Environment, home: string): Settings["surroundings"] {
  const set = Object.entries(environment).filter(
    ([, value]) => value !== undefined && value !== "",
  );
  return {
    searchPath: environment["PATH"] ?? "",
    variables: new Set(set.map(([name]) => name)),
    home,
  };
}

function tokenWarnings({ source, secret }: Credential, mode: string): string[] {
  if (secret.reveal().length >= SHORT_TOKEN) return [];
  if (mode === "password") {
    return [`the gateway's password (from ${source}) is short: use a long one, hard to guess`];
  }
  return [
    `the gateway token (from ${source}) is short: use a long random one, or none to have one made`,
  ];
}
