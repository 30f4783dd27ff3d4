import { parseArgs } from "node:util";
import { type Result, err, ok } from "../../shared/result.ts";
import { EXIT_CONFIG } from "../process/exit-codes.ts";
import { Failure } from "../process/failure.ts";
import { type Environment, type Place, Port, isSet, placesOf } from "../process/place.ts";

export interface Options {
  /** One line of JSON on stdout instead of text for people. */
  readonly json: boolean;
  readonly edgePort: number;
  /** Absolute. Holds everything that must outlive a restart. */
  readonly stateDir: string;
  /** Absolute; undefined when the core is to look in its usual place. */
  readonly configPath: string | undefined;
}

export const HELP = `Usage: npm start [-- --json]

Runs the edge (in a local Workers runtime) and the core, connected by the tunnel, until Ctrl-C.

  --json   print one line {"edge","gateway","token","model","pid"} when ready; logs go to stderr
  --help   print this

Environment (port 0 means any free port):
  OPENCLAW_STATE_DIR      where everything is kept       (~/.openclaw)
  OPENCLAW_CONFIG_PATH    the config file                (<state dir>/openclaw.json)
  OPENCLAW_GATEWAY_PORT   the gateway's port             (18789)
  OPENCLAW_GATEWAY_TOKEN  the gateway's token            (made on first start)
  SALLYPORT_EDGE_PORT     the edge's port                (8787)
  ANTHROPIC_API_KEY, OPENAI_API_KEY                      the model that answers; neither: a demo
  ANTHROPIC_BASE_URL, OPENAI_BASE_URL                    another address for them

Exit codes: 0 done; 1 it did not work, or the command line is not understood; 78 the config, or one of
these variables, has to be mended first.
`;

/**
 * What the command line and the environment ask for.
 *
 * @returns One line for the user when it makes no sense, and how the program is to end.
 */
export function parseOptions(
  argv: readonly string[],
  env: Environment,
  place: Place,
): Result<Options | "help", Failure> {
  const flags = parseFlags(argv);
  if (!flags.ok) return err(new Failure(flags.error));
  if (flags.value.help) return ok("help");
  const edgePort = Port.safeParse(env["SALLYPORT_EDGE_PORT"] || "8787");
  if (!edgePort.success) {
    const line = "SALLYPORT_EDGE_PORT must be a port number from 0 (any free one) to 65535";
    return err(new Failure(line, EXIT_CONFIG));
  }
  const { stateDir, toPath } = placesOf(env, place);
  const configPath = env["OPENCLAW_CONFIG_PATH"];
  return ok({
    json: flags.value.json,
    edgePort: edgePort.data,
    stateDir,
    configPath: isSet(configPath) ? toPath(configPath) : undefined,
  });
}

function parseFlags(argv: readonly string[]): Result<{ json: boolean; help: boolean }, string> {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    return ok(values);
  } catch (error) {
    // parseArgs throws TypeErrors whose first sentence is fit for people.
    const message = error instanceof Error ? error.message.split(/[.\n]/)[0] : String(error);
    return err(`${message}. Try npm start -- --help`);
  }
}
