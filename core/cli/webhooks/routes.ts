import { GatewayError } from "../../../shared/errors.ts";
import { Routes } from "../../webhooks/methods/answers.ts";
import { type Io, parseFlags } from "../command.ts";
import { printable } from "../printable.ts";
import { COMMON_OPTIONS, lineTo } from "./gateway.ts";
import { type Cell, cutTo, LINE_UNITS, paint, table, timeText, warnOfSilent } from "./table.ts";

/** The address comes last, whole: it is copied. */
const HEAD = ["ROUTE", "VERIFIED BY", "MODE", "TAKEN", "REFUSED", "LAST", "URL"] as const;

/** Some conditions are as long as people write them. */
const MAX_TARGET = 1_000;

/** The isolates of the edge tell their relay from time to time. */
const LAG = "what the edge turns away is counted here within a minute";

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
  else for (const text of describe(answer, io)) io.out(text);
  warnOfSilent(answer.silent, io);
  return 0;
}

/** A row for each, and below it what it sets off and why it turned some away. */
export function describe(answer: Pick<Routes, "routes">, io: Pick<Io, "colours">): string[] {
  const [head = "", ...rows] = table(HEAD, answer.routes.map(rowOf), io);
  const below = answer.routes.map(({ target, reasons }) => [
    paint(`  sets off ${cutTo(printable(target, MAX_TARGET), LINE_UNITS - 11)}`, "gray", io),
    ...refusalText(reasons).map((text) => paint(`  ${text}`, "yellow", io)),
  ]);
  const all = [head, ...rows.flatMap((row, index) => [row, ...(below[index] ?? [])])];
  return [...all, paint(LAG, "gray", io)];
}

/** The most frequent one first. */
function refusalText(reasons: Readonly<Record<string, number>>): string[] {
  const sorted = Object.entries(reasons).toSorted(([, a], [, b]) => b - a);
  if (sorted.length === 0) return [];
  const text = sorted.map(([reason, count]) => `${count} ${printable(reason)}`).join(", ");
  return [cutTo(`refused: ${text}`, LINE_UNITS - 2)];
}

function rowOf(route: Routes["routes"][number]): Cell[] {
  const { name, url, scheme, verifiedAt, mode, lastAt, accepted, refused } = route;
  return [
    { text: name },
    { text: verifiedAt === "edge" ? scheme : `${scheme} (by the core)` },
    { text: mode },
    { text: String(accepted) },
    { text: String(refused), ...(refused > 0 ? { colour: "yellow" as const } : {}) },
    { text: lastAt === null ? "never" : timeText(lastAt) },
    { text: url },
  ];
}
