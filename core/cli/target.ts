import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { Secret } from "../../shared/secret.ts";
import type { Io } from "./command.ts";
import { configuredTarget, remoteTarget } from "./target-config.ts";
import { checkPlaintext, gatewayUrl } from "./target-url.ts";
import type { Credentials } from "./credentials.ts";

/** A gateway that is up answers in milliseconds; one that hangs is as good as down. */
const DEFAULT_TIMEOUT_MS = 3_000;

/** Every command that calls a gateway takes these. */
export const TARGET_OPTIONS = {
  url: { type: "string" },
  port: { type: "string" },
  token: { type: "string" },
  password: { type: "string" },
  timeout: { type: "string" },
} as const;

const Flags = z.object({
  url: z.string().min(1).optional(),
  port: z.coerce.number().int().min(1).max(65_535).optional(),
  token: z.string().min(1).optional(),
  password: z.string().min(1).optional(),
  timeout: z.coerce.number().int().min(1).max(600_000).default(DEFAULT_TIMEOUT_MS),
});

/** What those of them may be that are more than a text. */
const RULES: ReadonlyMap<string, string> = new Map([
  ["port", "must be a number from 1 to 65535"],
  ["timeout", "must be a number of milliseconds from 1 to 600000"],
]);

type FlagValues = Readonly<Record<string, string | boolean | undefined>>;

/** The gateway a command talks to. */
export interface Target extends Credentials {
  /** `http:` or `https:`. */
  readonly url: string;
  readonly token: Secret | undefined;
  readonly timeoutMs: number;
  /** Where its address came from. */
  readonly source?: "flag" | "env" | "remote" | "local";
}

/**
 * Which gateway is meant, the first of these: `--url`, the variable OPENCLAW_GATEWAY_URL, `--port`
 * of this machine, `gateway.remote` of the config, the gateway of this machine.
 *
 * Credentials belong to an address. One named by its URL gets those that came with it and no
 * others: flags with the flag, variables with the variable, `gateway.remote` with that section. So
 * nobody who can make us call another address is sent what opens this machine.
 *
 * @throws GatewayError invalid_request, ConfigFault
 */
export async function targetOf(flags: FlagValues, io: Io): Promise<Target> {
  const { url, port, given, timeoutMs } = wantedIn(flags);
  const named = namedBy(url, port, io);
  if (named !== undefined) return addressed(named.source, named, given, timeoutMs);
  // Variables win over the config, which need not be read then.
  const own = hasAny(given) ? given : credentialsIn(io);
  if (port !== undefined && hasAny(own)) {
    return addressed("local", { url: `http://127.0.0.1:${port}` }, own, timeoutMs);
  }
  const known = await configuredTarget(io, { port, own, timeoutMs });
  return addressed(known.source, known, given, timeoutMs);
}

/**
 * The same for one that is not of this machine; what the config of this one needs is not made for it.
 *
 * @returns Undefined: the gateway of this machine is meant.
 * @throws GatewayError invalid_request, ConfigFault
 */
export async function elsewhereOf(flags: FlagValues, io: Io): Promise<Target | undefined> {
  const { url, port, given, timeoutMs } = wantedIn(flags);
  const named = namedBy(url, port, io);
  if (named !== undefined) return addressed(named.source, named, given, timeoutMs);
  const remote = port === undefined ? await remoteTarget(io) : undefined;
  return remote === undefined ? undefined : addressed("remote", remote, given, timeoutMs);
}

/** @throws GatewayError invalid_request */
function wantedIn(flags: FlagValues) {
  const parsed = Flags.safeParse(flags);
  if (!parsed.success) {
    const name = parsed.error.issues[0]?.path.join(".") ?? "";
    throw new GatewayError("invalid_request", `--${name} ${RULES.get(name) ?? "is empty"}`);
  }
  const { url, port, timeout: timeoutMs } = parsed.data;
  const given: Credentials = {
    token: secretOf(parsed.data.token),
    password: secretOf(parsed.data.password),
  };
  return { url, port, timeoutMs, given };
}

/** By its URL, with what came with that and nothing else. */
function namedBy(url: string | undefined, port: number | undefined, { env }: Io) {
  if (url !== undefined) return { source: "flag", url: gatewayUrl(url, "--url") } as const;
  const variable = env["OPENCLAW_GATEWAY_URL"] ?? "";
  if (variable === "" || port !== undefined) return undefined;
  return {
    source: "env",
    url: gatewayUrl(variable, "OPENCLAW_GATEWAY_URL"),
    ...credentialsIn({ env }),
  } as const;
}

function credentialsIn({ env }: Pick<Io, "env">): Credentials {
  return {
    token: secretOf(env["OPENCLAW_GATEWAY_TOKEN"]),
    password: secretOf(env["OPENCLAW_GATEWAY_PASSWORD"]),
  };
}

/** Where a command that runs beside the gateway has its say: false for one somewhere else. */
export function isOfThisMachine({ source }: Target): boolean {
  return source === "local";
}

interface Address extends Credentials {
  readonly url: string;
}

function addressed(
  source: NonNullable<Target["source"]>,
  address: Address,
  given: Credentials,
  timeoutMs: number,
): Target {
  const { url } = address;
  const { token, password } = hasAny(given) ? given : address;
  if (token !== undefined || password !== undefined) checkPlaintext(url);
  return { url, token, password, timeoutMs, source };
}

function hasAny({ token, password }: Credentials): boolean {
  return token !== undefined || password !== undefined;
}

function secretOf(text: string | undefined): Secret | undefined {
  return text === undefined || text === "" ? undefined : new Secret(text);
}
