import * as z from "zod";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { Secret } from "../../../shared/secret.ts";
import type { ConfigError } from "../issues/error.ts";
import { HttpUrl, SecretText } from "../fields.ts";
import type { Environment } from "../paths.ts";
import { AuthMode, Bind, Port } from "../sections/gateway.ts";
import { wordsOf } from "../issues/words.ts";

/** What the command line may set, as text: the same rules as for the variables of that meaning. */
export interface Flags {
  readonly port?: string | undefined;
  readonly bind?: string | undefined;
  readonly token?: string | undefined;
  readonly password?: string | undefined;
  /** How callers prove that they may. */
  readonly auth?: string | undefined;
  readonly standby?: boolean | undefined;
}

interface OutsideSecret {
  readonly source: "flag" | "env";
  readonly secret: Secret;
}

/** Settings from outside the file that win over it. */
export interface Overrides {
  readonly port: number | undefined;
  readonly bind: z.output<typeof Bind> | undefined;
  readonly authMode: z.output<typeof AuthMode> | undefined;
  readonly token: OutsideSecret | undefined;
  readonly password: OutsideSecret | undefined;
  readonly edgeUrl: string | undefined;
  readonly edgePairing: Secret | undefined;
  readonly mode: "standby" | undefined;
}

const PortText = z
  .string()
  .refine((text) => /^\d{1,5}$/.test(text) && Port.safeParse(Number(text)).success, {
    error: "must be a number from 0 to 65535",
  })
  .transform(Number);

/** Read elsewhere, where the file leaves something out; what is wrong with them is said here. */
const KEY_VARIABLES = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "TELEGRAM_BOT_TOKEN"] as const;
const URL_VARIABLES = ["ANTHROPIC_BASE_URL", "OPENAI_BASE_URL"] as const;

/** Reads flags and variables. A value that is not understood is refused, never passed over. Pure. */
export function readOverrides(
  flags: Flags,
  environment: Environment,
): Result<Overrides, ConfigError> {
  const faults: ConfigError[] = [];
  function read<T>(schema: z.ZodType<T>, sources: readonly Source[]): T | undefined {
    const set = sources.find(({ value }) => value !== undefined);
    if (set === undefined) return undefined;
    const parsed = schema.safeParse(set.value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const message = issue === undefined ? "is not understood" : wordsOf(issue);
    faults.push({ reason: "bad_variable", name: set.name, message });
    return undefined;
  }
  const flag = (name: "port" | "bind" | "token" | "password" | "auth"): Source => ({
    name: `--${name}`,
    value: flags[name],
  });
  const variable = (name: string): Source => ({ name, value: environment[name] });

  const secret = read(SecretText, [flag("token"), variable("OPENCLAW_GATEWAY_TOKEN")]);
  const password = read(SecretText, [flag("password"), variable("OPENCLAW_GATEWAY_PASSWORD")]);
  const overrides: Overrides = {
    port: read(PortText, [flag("port"), variable("OPENCLAW_GATEWAY_PORT")]),
    bind: read(Bind, [flag("bind"), variable("OPENCLAW_GATEWAY_BIND")]),
    authMode: read(AuthMode, [flag("auth")]),
    token: secret && { source: flags.token === undefined ? "env" : "flag", secret },
    password: password && {
      source: flags.password === undefined ? "env" : "flag",
      secret: password,
    },
    edgeUrl: read(HttpUrl, [variable("SALLYPORT_EDGE_URL")]),
    edgePairing: read(SecretText, [variable("SALLYPORT_EDGE_PAIRING")]),
    mode: flags.standby === true ? "standby" : undefined,
  };
  for (const name of KEY_VARIABLES) read(SecretText, [variable(name)]);
  for (const name of URL_VARIABLES) read(HttpUrl, [variable(name)]);
  const [fault] = faults;
  return fault === undefined ? ok(overrides) : err(fault);
}

interface Source {
  readonly name: string;
  readonly value: string | undefined;
}
