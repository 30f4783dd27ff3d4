import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { GatewayError } from "../../shared/errors.ts";
import { isNewEnough, keeperOf, LASTING_NODES } from "./stable.ts";
import type { Tool } from "./tool.ts";

export interface Runtime {
  /** Absolute. */
  readonly node: string;
  readonly entry: string;
  /** One line each. */
  readonly warnings: readonly string[];
}

export interface RuntimeRequest {
  /** The Node that runs this. */
  readonly execPath: string;
  /** `--runtime-path`. */
  readonly given: string | undefined;
  /** Also what a version manager may take away. */
  readonly force: boolean;
  readonly tool: Tool;
}

/** The program that a service starts: of the copy that this command is of. */
export const ENTRY = fileURLToPath(new URL("../sallyport.mjs", import.meta.url));

/**
 * A Node and a program that a service still finds after the next update of either.
 *
 * @throws GatewayError invalid_request with what to do instead.
 */
export async function runtimeFor(
  { execPath, given, force, tool }: RuntimeRequest,
  entry = ENTRY,
): Promise<Runtime> {
  const keeper = keeperOf(entry);
  const may = force || given !== undefined;
  if (keeper !== undefined && !may) {
    throw refused(
      `this program is kept by ${keeper} (${entry})`,
      "install it with a Node of the system",
    );
  }
  const warnings = keeper === undefined ? [] : [passing(entry, keeper)];
  if (given !== undefined) {
    if (!isAbsolute(given))
      throw new GatewayError("invalid_request", "--runtime-path is not absolute");
    await checkVersion(given, tool);
    return { node: given, entry, warnings: [...warnings, ...passingNode(given)] };
  }
  if (keeperOf(execPath) === undefined) return { node: execPath, entry, warnings };
  const lasting = await lastingNode(tool);
  if (lasting !== undefined) return { node: lasting, entry, warnings };
  if (force) return { node: execPath, entry, warnings: [...warnings, ...passingNode(execPath)] };
  throw refused(
    `this Node is kept by ${keeperOf(execPath)} (${execPath}), and none of the system is new enough`,
    "install Node 24 for the machine, or name one by --runtime-path",
  );
}

async function lastingNode(tool: Tool): Promise<string | undefined> {
  for (const node of LASTING_NODES) {
    const run = await tool(node, ["--version"]);
    if (run.code === 0 && isNewEnough(run.out)) return node;
  }
  return undefined;
}

async function checkVersion(node: string, tool: Tool): Promise<void> {
  const run = await tool(node, ["--version"]);
  if (run.code !== 0) throw new GatewayError("invalid_request", `${node} cannot be run`);
  if (isNewEnough(run.out)) return;
  const told = run.out.trim().slice(0, 40);
  throw new GatewayError("invalid_request", `${node} is ${told}, and Node 24 is needed`);
}

function passingNode(node: string): string[] {
  const keeper = keeperOf(node);
  return keeper === undefined ? [] : [passing(node, keeper)];
}

function passing(path: string, keeper: string): string {
  return `${path} is kept by ${keeper}: when that goes to another version, install the service again`;
}

function refused(what: string, remedy: string): GatewayError {
  return new GatewayError(
    "invalid_request",
    `${what}: the service would end with its next update; ${remedy} (--force installs it as it is)`,
  );
}
