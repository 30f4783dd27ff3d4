import { GatewayError } from "../../../shared/errors.ts";
import { Replayed, WebhookDetails, type WebhookEntry } from "../../webhooks/methods/answers.ts";
import type { GatewayLine } from "../client.ts";
import { type Io, parseFlags } from "../command.ts";
import { printable } from "../printable.ts";
import { bodyOf } from "./body.ts";
import { FILTER_OPTIONS, type Filter, filterOf, limitOf } from "./filter.ts";
import { type Destination, destinationOf, type Forwarded, send, sentText } from "./forward.ts";
import { COMMON_OPTIONS, lineTo } from "./gateway.ts";
import { listAll } from "./pages.ts";
import { addReplayed, NOTHING, replayedText } from "./replayed.ts";

const OPTIONS = {
  ...COMMON_OPTIONS,
  ...FILTER_OPTIONS,
  limit: { type: "string" },
  "dry-run": { type: "boolean" },
  force: { type: "boolean" },
  forward: { type: "string" },
  "allow-remote": { type: "boolean" },
} as const;

interface Wanted {
  readonly ids: readonly string[];
  readonly filter: Filter;
  readonly limit: number;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

/** `webhooks replay`: exits 1 when anything was left out, or could not be sent. */
export async function replay(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals: ids } = parseFlags(args, OPTIONS);
  const { "dry-run": dryRun = false, force = false, json = false, forward } = values;
  const filter = filterOf(values, Date.now());
  if ((ids.length === 0) === (Object.keys(filter).length === 0)) {
    throw new GatewayError(
      "invalid_request",
      "say which webhooks: their ids, or a filter; try --help",
    );
  }
  const wanted = { ids, filter, limit: limitOf(values), dryRun, force, json };
  const destination =
    forward === undefined
      ? undefined
      : await destinationOf(forward, values["allow-remote"] ?? false);
  using line = await lineTo(values, io);
  return destination === undefined
    ? await runAgain(line, wanted, io)
    : await sendOn(line, wanted, destination, io);
}

async function runAgain(line: GatewayLine, wanted: Wanted, io: Io): Promise<number> {
  const { ids, filter, limit, dryRun, force } = wanted;
  let sum = NOTHING;
  do {
    const left = limit - sum.replayed.length - sum.skipped.length;
    const which = ids.length > 0 ? { ids } : { filter, limit: left };
    const cursor = sum.next === null ? {} : { cursor: sum.next };
    const payload = await line.call("webhooks.replay", { ...which, ...cursor, dryRun, force });
    sum = addReplayed(sum, Replayed.parse(payload));
  } while (sum.next !== null && sum.replayed.length + sum.skipped.length < limit);
  if (wanted.json) io.out(JSON.stringify(sum));
  else for (const text of replayedText(sum)) io.out(text);
  return sum.skipped.length === 0 ? 0 : 1;
}

/** Oldest first, one after another: a server in the making is no load test. */
async function sendOn(
  line: GatewayLine,
  wanted: Wanted,
  destination: Destination,
  io: Io,
): Promise<number> {
  const { dryRun, json } = wanted;
  const ids = wanted.ids.length > 0 ? wanted.ids : await idsThatFit(line, wanted);
  const forwarded: Forwarded[] = [];
  for (const id of ids) {
    if (io.stop.aborted) break;
    const webhook = WebhookDetails.parse(await line.call("webhooks.show", { id }));
    if (dryRun) {
      if (!json) io.out(`${printable(id, 300)}: would go to ${destination.url.href}`);
      continue;
    }
    const sent = await send(
      { webhook, body: await bodyOf(line, id, "raw"), turn: 1 },
      destination,
      io.stop,
    );
    forwarded.push(sent);
    if (!json) io.out(sentText(sent, io));
  }
  if (json) io.out(JSON.stringify({ dryRun, ids, forwarded }));
  return forwarded.every(({ error }) => error === null) ? 0 : 1;
}

/** Oldest first. What is a replay itself has been sent as what it repeats, unless it is asked for. */
async function idsThatFit(
  line: GatewayLine,
  { filter, limit, force }: Wanted,
): Promise<readonly string[]> {
  const isWanted = ({ replayOf }: WebhookEntry): boolean => force || replayOf === null;
  const { webhooks } = await listAll(line, "webhooks.list", filter, limit, isWanted);
  return webhooks.map(({ id }) => id).toReversed();
}
