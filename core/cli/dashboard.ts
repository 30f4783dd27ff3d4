import { GatewayError } from "../../shared/errors.ts";
import type { Secret } from "../../shared/secret.ts";
import { resolvePaths } from "../config/paths.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { addressOf } from "./dashboard/address.ts";
import { TARGET_OPTIONS, targetOf } from "./target.ts";

export const dashboard: Command = {
  usage:
    "dashboard [--no-open] [--show-token] [--json] [--url URL] [--port N] [--token T] [--password P]",
  summary: "Open the gateway's page in a browser, signed in",
  details: `The token stands behind the # of the address, which browsers send to nobody. It is only printed on a
terminal, unless --show-token says so.`,

  async run(args, io) {
    const { values, positionals } = parseFlags(args, {
      ...TARGET_OPTIONS,
      "no-open": { type: "boolean" },
      "show-token": { type: "boolean" },
      json: { type: "boolean" },
    });
    if (positionals.length > 0) {
      throw new GatewayError("invalid_request", "dashboard takes flags alone; try --help");
    }
    const { "no-open": quiet = false, "show-token": shown = false, json = false } = values;
    const { isTerminal = false } = io;
    const { url, token } = await targetOf(values, io);
    const page = { url, basePath: await basePathOf(io) };
    const isSeen = shown || (isTerminal && !json);
    const opened = isTerminal && !quiet && !json && (await open(addressOf(page, token), io));
    tell({ address: addressOf(page, isSeen ? token : undefined), token, isSeen, opened }, json, io);
    return 0;
  },
};

/** Where a gateway of this machine has its page; another one is asked at its root. */
async function basePathOf(io: Io): Promise<string> {
  const { loadConfig } = await import("../config/file/load.ts");
  const loaded = await loadConfig(io);
  return loaded.ok ? loaded.value.config.gateway.controlUi.basePath : "";
}

interface Page {
  readonly address: string;
  readonly token: Secret | undefined;
  readonly isSeen: boolean;
  readonly opened: boolean;
}

function tell({ address, token, isSeen, opened }: Page, json: boolean, io: Io): void {
  const hasToken = isSeen && token !== undefined;
  if (json) io.out(JSON.stringify({ url: address, hasToken, opened }));
  else io.out(address);
  if (!json && !isSeen && token !== undefined) {
    io.err("its token is not shown here: --show-token, or sallyport token");
  }
}

async function open(address: string, { env, cwd, home, stop }: Io): Promise<boolean> {
  const { openPage } = await import("./dashboard/open.ts");
  return openPage(address, { env, stateDir: resolvePaths({ env, cwd, home }).stateDir, stop });
}
