import type { Secret } from "../../shared/secret.ts";
import type { AgentEntry } from "./agents.ts";
import type { Credential } from "./credential.ts";
import type { GatewaySettings } from "./gateway-settings.ts";
import type { IngressRouteSettings, IngressSettings } from "./ingress/ingress.ts";
import type { Config } from "./schema.ts";
import type { SecretMemory } from "./secrets/resolve.ts";
import type { ConfigWriter } from "./write/writer.ts";
import type { ProviderSettings } from "./models.ts";

export interface TelegramSettings extends Omit<
  NonNullable<Config["channels"]["telegram"]>,
  "botToken" | "enabled"
> {
  readonly botToken: Secret;
}

export interface EdgeSettings {
  readonly url: string;
  readonly pairing: Secret | undefined;
  /** Undefined: nothing of Cloudflare Access stands before the edge. */
  readonly access: { readonly clientId: string; readonly clientSecret: Secret } | undefined;
  /** PEM files, absolute. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** False: none, whatever the variables say; undefined: as they say. */
  readonly proxy: URL | false | undefined;
  /** HTTPS_PROXY and its kin, in either case. */
  readonly proxyVariables: Readonly<Record<string, string>>;
}

/** Everything the rest of the core reads: the config, the variables and the flags made one. */
export interface Settings {
  /** The file as it was understood, before variables and flags. */
  readonly config: Config;
  readonly configPath: string;
  /** False: there is no config file, and everything is as by default. */
  readonly configExists: boolean;
  readonly stateDir: string;
  /** The variables of this installation: what changes there is looked at like the config. */
  readonly envFile: string;
  /** Everything these settings were read from: the config, what it includes, the variables. */
  readonly files: readonly string[];
  /** Of the config and what it includes: another one means that something was written. */
  readonly configHash: string;
  /** What was learned from places where secrets are kept: for the next load. */
  readonly secretMemory: SecretMemory;
  /** Loads what writes the config. */
  readonly openWriter: () => Promise<ConfigWriter>;
  readonly gateway: GatewaySettings;
  /** Undefined: webhooks of our own are off. */
  readonly hooks: { readonly path: string; readonly token: Credential } | undefined;
  /** Webhooks: those of `hooks`, and `sallyport.ingress`. */
  readonly ingress: IngressSettings;
  /** For `sallyport connect`: webhooks of the upstream that are checked by more than the hooks token. */
  readonly upstreamRoutes: readonly IngressRouteSettings[];
  /** Undefined: the channel is off. */
  readonly telegram: TelegramSettings | undefined;
  /** Undefined: this core has no edge. */
  readonly edge: EdgeSettings | undefined;
  /** `standby`: waits until no other core leads. */
  readonly mode: "leader" | "standby";
  readonly providers: Readonly<Record<string, ProviderSettings>>;
  /** `provider/model`, the first one first; the others when it fails. Never empty. */
  readonly modelChain: readonly [string, ...string[]];
  readonly systemPrompt: string | undefined;
  /** Who answers; the default agent is among them. */
  readonly agents: readonly [AgentEntry, ...AgentEntry[]];
  /** What skills are measured by: names of variables, never what is in them. */
  readonly surroundings: {
    readonly searchPath: string;
    readonly variables: ReadonlySet<string>;
    /** Folder of whoever runs the gateway. Absolute. */
    readonly home: string;
  };
  readonly limits: Config["sallyport"]["limits"];
  readonly logLevel: Config["logging"]["level"];
  /** The file as JSON with variables filled in, to tell later what has changed; a secret as it holds some. */
  readonly source: Secret;
  /** One line each, for the person who runs the gateway. */
  readonly warnings: readonly string[];
}
