import { GatewayError } from "../../../shared/errors.ts";
import { configErrorText } from "../../config/issues/error.ts";
import { resolvePaths } from "../../config/paths.ts";
import type { Tree } from "../../config/tree.ts";
import { setVariables } from "../../config/write/env-file.ts";
import { ConfigWriter } from "../../config/write/writer.ts";
import type { Io } from "../command.ts";
import { separated } from "./secrets.ts";

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
  const { config, variables } = plain
    ? { config: change, variables: new Map() }
    : separated(change);
  const writer = new ConfigWriter(io);
  const request = { change: { kind: "merge", patch: config, mayReplace: "all" } } as const;
  // A config that would be refused must not leave its secrets behind.
  check(await writer.write({ ...request, dryRun: true }));
  const envFile = resolvePaths(io).envFiles.state;
  const set = variables.size === 0 ? [] : await setVariables(envFile, variables);
  const written = check(await writer.write(request));
  const hidden = [...variables].filter(([name, value]) => {
    const own = io.env[name] ?? "";
    return own !== "" && own !== value.reveal();
  });
  const warnings = hidden.map(
    ([name]) => `${name} of the environment wins over the one in ${envFile}`,
  );
  return {
    configPath: writer.path,
    changed: written.changed,
    envFile,
    variables: set,
    warnings: [...written.warnings, ...warnings],
  };
}

function check(result: Awaited<ReturnType<ConfigWriter["write"]>>) {
  if (result.ok) return result.value;
  const { error } = result;
  if (error.reason === "refused") throw new GatewayError("forbidden", error.message);
  if (error.reason === "conflict") {
    throw new GatewayError("conflict", "the config was changed by somebody else: try again");
  }
  throw new GatewayError("invalid_request", `nothing was written: ${configErrorText(error)}`);
}
