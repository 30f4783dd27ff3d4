/** The config that commands about models and channels show and change: of the gateway that is meant. */
import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { Secret } from "../../shared/secret.ts";
import { agentsOf } from "../config/agents.ts";
import { modelChainOf, providersOf } from "../config/models.ts";
import { type Config, ConfigSchema } from "../config/schema.ts";
import type { Settings } from "../config/settings.ts";
import type { ConfigFile, ConfigTree } from "../methods/agents/parts.ts";
import type { Io } from "./command.ts";
import { localConfig } from "./manage.ts";
import { elsewhereOf, type Target } from "./target.ts";

type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** What is known of the settings of any gateway: those of another machine keep their secrets. */
export type KnownSettings = Pick<
  Settings,
  "config" | "providers" | "agents" | "modelChain" | "configPath"
>;

export interface ConfigDesk {
  /** False: of this machine, whether a gateway runs or not. */
  readonly isElsewhere: boolean;
  readonly settings: () => KnownSettings;
  readonly isOn: (channel: "telegram") => boolean;
  readonly file: Pick<ConfigFile, "patch">;
}

/** @throws GatewayError core_offline when another gateway is meant and does not answer; ConfigFault */
export async function configDeskOf(flags: Flags, io: Io): Promise<ConfigDesk> {
  const target = await elsewhereOf(flags, io);
  if (target !== undefined) return remoteConfig(target);
  const { settings, file } = await localConfig(io);
  return { isElsewhere: false, settings, file, isOn: (name) => settings()[name] !== undefined };
}

const Answer = z.object({
  path: z.string(),
  hash: z.string(),
  config: z.looseObject({}),
  runtimeConfig: z.looseObject({}).optional().catch(undefined),
});
type Answer = z.output<typeof Answer>;

const Providers = z.object({
  providers: z.array(z.object({ provider: z.string(), profiles: z.array(z.unknown()) })),
});

async function remoteConfig(target: Target): Promise<ConfigDesk> {
  let { answer, settings } = await askFor(target);
  return {
    isElsewhere: true,
    settings: () => settings,
    isOn: (name) => settings.config.channels[name]?.enabled === true,
    file: {
      async patch(change) {
        const { askGateway } = await import("./client.ts");
        const replacePaths = listsIn(change);
        const raw = JSON.stringify(change);
        const params = { raw, baseHash: answer.hash, replacePaths };
        await askGateway(target, "config.patch", params, { timeoutMs: PATCH_TIMEOUT_MS });
        ({ answer, settings } = await askFor(target));
      },
    },
  };
}

/** It answers when the change is in effect. */
const PATCH_TIMEOUT_MS = 15_000;

async function askFor(target: Target) {
  const { openGateway } = await import("./client.ts");
  const { nobodyAt } = await import("./nobody.ts");
  using line = await openGateway(target);
  if (line === undefined) throw nobodyAt(target);
  const answer = Answer.parse(await line.call("config.get", {}));
  const { providers } = Providers.parse(await line.call("models.authStatus", {}));
  const withKey = providers.filter(({ profiles }) => profiles.length > 0);
  const config = configIn(answer, target);
  return { answer, settings: settingsFrom(config, answer.path, withKey) };
}

/** The parts that are looked at; others may be of a version that we do not know. */
function configIn({ config, runtimeConfig }: Answer, { url }: Target): Config {
  for (const tree of [config, runtimeConfig ?? {}]) {
    const { agents, models, channels } = tree;
    const parsed = ConfigSchema.safeParse({ agents, models, channels });
    if (parsed.success) return parsed.data;
  }
  const message = `the config of the gateway at ${url} is of another version: ask on its machine`;
  throw new GatewayError("bad_response", message);
}

function settingsFrom(
  config: Config,
  configPath: string,
  withKey: readonly { readonly provider: string }[],
): KnownSettings {
  const known = providersOf(config, {});
  const keys = withKey.flatMap(({ provider }) => {
    const one = Object.hasOwn(known, provider) ? known[provider] : undefined;
    // There is one, which is all that we are told.
    return one === undefined ? [] : [[provider, { ...one, apiKey: one.apiKey ?? KEPT }] as const];
  });
  const providers = { ...known, ...Object.fromEntries(keys) };
  const agents = agentsOf(config, {}, providers, { stateDir: "/", home: "/" });
  return { config, providers, agents, modelChain: modelChainOf(config, providers), configPath };
}

const KEPT = new Secret("kept by the gateway");

/** Paths of lists in a change: it says the whole of each. Pure. */
function listsIn(change: ConfigTree, path: readonly string[] = []): string[] {
  return Object.entries(change).flatMap(([key, value]) => {
    const at = [...path, key];
    if (Array.isArray(value)) return [at.join(".")];
    const tree = z.record(z.string(), z.unknown()).safeParse(value);
    return tree.success ? listsIn(tree.data, at) : [];
  });
}
