import { GatewayError } from "../../../shared/errors.ts";
import { type Io, parseFlags } from "../command.ts";
import { FILTER_OPTIONS, filterOf, limitOf } from "./filter.ts";
import { COMMON_OPTIONS, lineTo } from "./gateway.ts";
import { listAll } from "./pages.ts";
import { HEAD, rowOf, table, warnOfSilent } from "./table.ts";

const OPTIONS = { ...COMMON_OPTIONS, ...FILTER_OPTIONS, limit: { type: "string" } } as const;

/** `webhooks list` */
export async function list(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  if (positionals.length > 0) {
    throw new GatewayError("invalid_request", "webhooks list takes flags alone; try --help");
  }
  const filter = filterOf(values, Date.now());
  const limit = limitOf(values);
  using line = await lineTo(values, io);
  const listed = await listAll(line, "webhooks.list", filter, limit);
  if (values.json === true) io.out(JSON.stringify(listed));
  else if (listed.webhooks.length === 0) io.out("no webhooks");
  else for (const row of table(HEAD, listed.webhooks.map(rowOf), io)) io.out(row);
  warnOfSilent(listed.silent, io);
  return 0;
}
