import { GatewayError } from "../../../shared/errors.ts";
import { isReference } from "../../config/credentials.ts";
import { configErrorText } from "../../config/issues/error.ts";
import { resolvePaths } from "../../config/paths.ts";
import { type Tree, valueAt } from "../../config/tree.ts";
import { writeApart } from "../../config/write/write-apart.ts";
import { ConfigWriter, type WriteFault } from "../../config/write/writer.ts";
import type { Result } from "../../../shared/result.ts";
import type { Io } from "../command.ts";

/** What wins over the config, whatever stands there. */
const OVERRIDES = {
  token: "OPENCLAW_GATEWAY_TOKEN",
  password: "OPENCLAW_GATEWAY_PASSWORD",
} as const;

export interface Written {
  readonly configPath: string;
  readonly changed: boolean;
  readonly envFile: string;
  /** Names of variables that were set. */
  readonly variables: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Writes a setup: secrets into `.env` first, so that what the config refers to is there.
 *
 * @param plain - True: secrets stand in the config itself.
 * @throws GatewayError invalid_request when the config would not be valid.
 */
export async function writeSetup(change: Tree, io: Io, plain: boolean): Promise<Written> {
  const writer = new ConfigWriter(io);
  const request = { change: { kind: "merge", patch: change, mayReplace: "all" } } as const;
  const written = plain
    ? { ...check(await writer.write(request)), variables: [] }
    : check(await writeApart(writer, change));
  const { changed, variables, warnings } = written;
  return {
    configPath: writer.path,
    changed,
    envFile: resolvePaths(io).envFiles.state,
    variables,
    warnings: [...warnings, ...overruled(change, io)],
  };
}

function overruled(change: Tree, { env }: Io): string[] {
  return Object.entries(OVERRIDES).flatMap(([name, variable]) => {
    const value = valueAt(change, ["gateway", "auth", name]);
    const own = env[variable] ?? "";
    const isOurs = typeof value === "string" && !isReference(value) && own !== "" && own !== value;
    return isOurs ? [`${variable} of the environment wins over what was written`] : [];
  });
}

function check<T>(result: Result<T, WriteFault>): T {
  if (result.ok) return result.value;
  const { error } = result;
  if (error.reason === "refused") throw new GatewayError("forbidden", error.message);
  if (error.reason === "conflict") {
    throw new GatewayError("conflict", "the config was changed by somebody else: try again");
  }
  throw new GatewayError("invalid_request", `nothing was written: ${configErrorText(error)}`);
}
