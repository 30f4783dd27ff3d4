import { GatewayError } from "../../../shared/errors.ts";
import { Dropped, Replayed } from "../../webhooks/methods/answers.ts";
import type { GatewayLine } from "../client.ts";
import { type Io, parseFlags } from "../command.ts";
import { limitOf } from "./filter.ts";
import { COMMON_OPTIONS, lineTo } from "./gateway.ts";
import { listAll } from "./pages.ts";
import { replayedText } from "./replayed.ts";
import { HEAD, rowOf, table, warnOfSilent } from "./table.ts";

const OPTIONS = {
  ...COMMON_OPTIONS,
  route: { type: "string" },
  limit: { type: "string" },
  all: { type: "boolean" },
} as const;

const USAGE =
  "usage: sallyport webhooks dead-letters [list] | replay|drop ID … | replay|drop --route NAME | replay|drop --all";

/** `webhooks dead-letters`: what was given up, at the edge and here. */
export async function deadLetters(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const [action = "list", ...ids] = positionals;
  const { route, all = false, json = false } = values;
  const selection = selectionOf(ids, route, all);
  const act = ACTIONS.get(action);
  if (act === undefined || (action !== "list" && selection === undefined)) {
    throw new GatewayError("invalid_request", USAGE);
  }
  if (action === "list" && (ids.length > 0 || all))
    throw new GatewayError("invalid_request", USAGE);
  const wish = { selection: selection ?? {}, limit: limitOf(values), json };
  using line = await lineTo(values, io);
  return await act(line, wish, io);
}

interface Wish {
  /** As the methods take it. */
  readonly selection: object;
  readonly limit: number;
  readonly json: boolean;
}

const ACTIONS: ReadonlyMap<string, (line: GatewayLine, wish: Wish, io: Io) => Promise<number>> =
  new Map([
    ["list", list],
    ["replay", replay],
    ["drop", drop],
  ]);

async function list(line: GatewayLine, { selection, limit, json }: Wish, io: Io): Promise<number> {
  const listed = await listAll(line, "webhooks.deadLetters", selection, limit);
  if (json) io.out(JSON.stringify(listed));
  else if (listed.webhooks.length === 0) io.out("no dead letters");
  else for (const row of table(HEAD, listed.webhooks.map(rowOf), io)) io.out(row);
  warnOfSilent(listed.silent, io);
  return 0;
}

async function replay(line: GatewayLine, { selection, json }: Wish, io: Io): Promise<number> {
  const payload = await line.call("webhooks.deadLetters.replay", selection);
  const answer = Replayed.parse(payload);
  if (json) io.out(JSON.stringify(payload));
  else for (const text of replayedText(answer)) io.out(text);
  return answer.skipped.length === 0 ? 0 : 1;
}

async function drop(line: GatewayLine, { selection, json }: Wish, io: Io): Promise<number> {
  const payload = await line.call("webhooks.deadLetters.drop", selection);
  const { dropped } = Dropped.parse(payload);
  io.out(json ? JSON.stringify(payload) : `${dropped} dropped`);
  return dropped === 0 ? 1 : 0;
}

/** Exactly one way to say which. */
function selectionOf(
  ids: readonly string[],
  route: string | undefined,
  all: boolean,
): object | undefined {
  const ways = [
    ...(ids.length === 0 ? [] : [{ ids }]),
    ...(route === undefined ? [] : [{ route }]),
    ...(all ? [{ all: true }] : []),
  ];
  return ways.length === 1 ? ways[0] : undefined;
}
