import { GatewayError } from "../../shared/errors.ts";
import type { Secret } from "../../shared/secret.ts";
import { resolvePaths } from "../config/paths.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { addressOf } from "./dashboard/address.ts";
import { type Found, lookAt } from "./dashboard/look.ts";
import { isOfThisMachine, TARGET_OPTIONS, targetOf } from "./target.ts";

export const dashboard: Command = {
  usage:
    "dashboard [--no-open] [--show-token] [--json] [--url URL] [--port N] [--token T] [--password P]",
  summary: "Print where the gateway's page is, and open it in a browser, signed in",
  details: `A gateway that has no page is not opened: this version has none yet. The address is that of its API and its
clients, too. The token stands behind the # of the address, which browsers send to nobody. It is only printed on a
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
    const target = await targetOf(values, io);
    const { url, token } = target;
    const page = { url, basePath: isOfThisMachine(target) ? await basePathOf(io) : "" };
    const found = await lookAt(addressOf(page, undefined), target);
    const { json, isSeen, isWanted } = wishesOf(values, io);
    const opened = isWanted && found === "page" && (await open(addressOf(page, token), io));
    const address = addressOf(page, isSeen ? token : undefined);
    tell({ address, token, isSeen, opened, found }, json, io);
    return 0;
  },
};

interface Said {
  readonly "no-open"?: boolean | undefined;
  readonly "show-token"?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Whether the token may be seen, and a browser is wanted. */
function wishesOf(
  { "no-open": quiet = false, "show-token": shown = false, json = false }: Said,
  { isTerminal = false }: Pick<Io, "isTerminal">,
): { readonly json: boolean; readonly isSeen: boolean; readonly isWanted: boolean } {
  const isRead = isTerminal && !json;
  return { json, isSeen: shown || isRead, isWanted: isRead && !quiet };
}

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
  readonly found: Found;
}

/** What whoever follows the address would find, when that is no page. */
const WARNINGS: Readonly<Record<Found, string | undefined>> = {
  page: undefined,
  no_page:
    "no page is there: this gateway has none. Clients and the API use the same address; sallyport status shows how it is",
  nobody: "no gateway answers there: sallyport gateway run starts one, sallyport doctor looks why",
};

function tell({ address, token, isSeen, opened, found }: Page, json: boolean, io: Io): void {
  const hasToken = isSeen && token !== undefined;
  if (json) io.out(JSON.stringify({ url: address, hasToken, opened, found }));
  else io.out(address);
  const warning = WARNINGS[found];
  if (!json && warning !== undefined) io.err(warning);
  if (!json && !isSeen && token !== undefined) {
    io.err("its token is not shown here: --show-token, or sallyport token");
  }
}

async function open(address: string, { env, cwd, home, stop }: Io): Promise<boolean> {
  const { openPage } = await import("./dashboard/open.ts");
  return openPage(address, { env, stateDir: resolvePaths({ env, cwd, home }).stateDir, stop });
}
