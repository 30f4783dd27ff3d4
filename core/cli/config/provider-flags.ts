/** `--provider-*` -> an entry of `secrets.providers`. Pure. */
import { GatewayError } from "../../../shared/errors.ts";

export const PROVIDER_OPTIONS = {
  "provider-source": { type: "string" },
  "provider-timeout-ms": { type: "string" },
  "provider-allowlist": { type: "string", multiple: true },
  "provider-path": { type: "string" },
  "provider-mode": { type: "string" },
  "provider-max-bytes": { type: "string" },
  "provider-command": { type: "string" },
  "provider-arg": { type: "string", multiple: true },
  "provider-no-output-timeout-ms": { type: "string" },
  "provider-max-output-bytes": { type: "string" },
  "provider-json-only": { type: "boolean" },
  "provider-env": { type: "string", multiple: true },
  "provider-pass-env": { type: "string", multiple: true },
  "provider-trusted-dir": { type: "string", multiple: true },
} as const;

export type ProviderFlags = {
  readonly [K in keyof typeof PROVIDER_OPTIONS]?: string | boolean | readonly string[] | undefined;
};

/** Settings that each source has, by flag. What is wrong in them the schema of the config says. */
const KEYS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  env: { "provider-allowlist": "allowlist" },
  store: {},
  file: {
    "provider-path": "path",
    "provider-mode": "mode",
    "provider-timeout-ms": "timeoutMs",
    "provider-max-bytes": "maxBytes",
  },
  exec: {
    "provider-command": "command",
    "provider-arg": "args",
    "provider-timeout-ms": "timeoutMs",
    "provider-no-output-timeout-ms": "noOutputTimeoutMs",
    "provider-max-output-bytes": "maxOutputBytes",
    "provider-json-only": "jsonOnly",
    "provider-env": "env",
    "provider-pass-env": "passEnv",
    "provider-trusted-dir": "trustedDirs",
  },
};

/** Undefined: no provider is asked for. @throws GatewayError invalid_request */
export function providerFrom(flags: ProviderFlags): object | undefined {
  const given = Object.entries(flags).filter(
    ([name, value]) => name.startsWith("provider-") && value !== undefined,
  );
  if (given.length === 0) return undefined;
  const source = flags["provider-source"];
  const keys = typeof source === "string" && Object.hasOwn(KEYS, source) ? KEYS[source] : undefined;
  if (keys === undefined) {
    throw new GatewayError("invalid_request", "--provider-source is env, file, exec or store");
  }
  const entries = given
    .filter(([name]) => name !== "provider-source")
    .map(([name, value]) => {
      const key = keys[name];
      if (key !== undefined) return [key, valueOf(name, value)] as const;
      throw new GatewayError("invalid_request", `--${name} is not for a provider of that source`);
    });
  return { source, ...Object.fromEntries(entries) };
}

function valueOf(name: string, value: unknown): unknown {
  if (name === "provider-env" && Array.isArray(value)) return variablesIn(value.map(String));
  if (!/-(?:ms|bytes)$/.test(name)) return value;
  if (typeof value === "string" && /^\d{1,12}$/.test(value)) return Number(value);
  throw new GatewayError("invalid_request", `--${name} is a number`);
}

function variablesIn(assignments: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    assignments.map((text) => {
      const at = text.indexOf("=");
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new GatewayError("invalid_request", "--provider-env is written NAME=VALUE");
    }),
  );
}
