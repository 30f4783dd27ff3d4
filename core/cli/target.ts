import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { Secret } from "../../shared/secret.ts";
import { type Io, settingsOf } from "./command.ts";

/** A gateway that is up answers in milliseconds; one that hangs is as good as down. */
const DEFAULT_TIMEOUT_MS = 3_000;

export const TARGET_OPTIONS = {
  url: { type: "string" },
  port: { type: "string" },
  token: { type: "string" },
  timeout: { type: "string" },
} as const;

const Flags = z.object({
  url: z.url({ protocol: /^https?$/ }).optional(),
  port: z.coerce.number().int().min(1).max(65_535).optional(),
  token: z.string().min(1).optional(),
  timeout: z.coerce.number().int().min(1).max(600_000).default(DEFAULT_TIMEOUT_MS),
});

/** The gateway a command talks to. */
export interface Target {
  readonly url: string;
  readonly token: Secret | undefined;
  readonly timeoutMs: number;
}

/**
 * Which gateway is meant: `--url`, or the one of this machine. A gateway named by its URL never
 * gets the credentials of this one.
 *
 * @throws GatewayError invalid_request, ConfigFault
 */
export async function targetOf(
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<Target> {
  const parsed = Flags.safeParse(flags);
  if (!parsed.success) {
    const name = parsed.error.issues[0]?.path.join(".") ?? "";
    throw new GatewayError("invalid_request", `--${name} makes no sense; try --help`);
  }
  const { url, port, token, timeout: timeoutMs } = parsed.data;
  const given = token === undefined ? undefined : new Secret(token);
  if (url !== undefined) return { url, token: given, timeoutMs };
  if (port !== undefined && given !== undefined)
    return { url: local(port), token: given, timeoutMs };
  const { gateway } = await settingsOf(io);
  return {
    url: local(port ?? gateway.port),
    token: given ?? gateway.token.secret,
    timeoutMs,
  };
}

function local(port: number): string {
  return `http://127.0.0.1:${port}`;
}
