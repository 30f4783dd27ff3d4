import { GatewayError } from "../../../shared/errors.ts";
import { Routes } from "../../webhooks/methods-answers.ts";
import { type Io, parseFlags } from "../command.ts";
import { COMMON_OPTIONS, lineTo } from "./gateway.ts";
import { type Cell, table, timeText } from "./table.ts";

const HEAD = [
  "ROUTE",
  "URL",
  "VERIFIED BY",
  "MODE",
  "SETS OFF",
  "LAST",
  "TAKEN",
  "REFUSED",
] as const;

/** `webhooks routes` */
export async function routes(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, COMMON_OPTIONS);
  if (positionals.length > 0) {
    throw new GatewayError("invalid_request", "webhooks routes takes flags alone; try --help");
  }
  using line = await lineTo(values, io);
  const payload = await line.call("webhooks.routes", {});
  const answer = Routes.parse(payload);
  if (values.json === true) io.out(JSON.stringify(payload));
  else if (answer.routes.length === 0) io.out("no routes: see sallyport.ingress.routes");
  else for (const row of table(HEAD, answer.routes.map(rowOf), io)) io.out(row);
  return 0;
}

function rowOf(route: Routes["routes"][number]): Cell[] {
  const { name, url, scheme, verifiedAt, mode, target, lastAt, accepted, refused } = route;
  return [
    { text: name },
    { text: url },
    { text: verifiedAt === "edge" ? scheme : `${scheme} (by the core)` },
    { text: mode },
    { text: target },
    { text: lastAt === null ? "never" : timeText(lastAt) },
    { text: String(accepted) },
    { text: String(refused), ...(refused > 0 ? { colour: "yellow" as const } : {}) },
  ];
}
