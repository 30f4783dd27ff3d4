import { backoffMs } from "../../../shared/backoff.ts";
import { CODES, GatewayError } from "../../../shared/errors.ts";
import { systemClock } from "../../channels/clock.ts";
import { WebhookDetails, type WebhookEntry, WebhookTail } from "../../webhooks/methods/answers.ts";
import { type GatewayLine, openGateway } from "../client.ts";
import { type Io, parseFlags } from "../command.ts";
import { nobodyAt } from "../nobody.ts";
import { type Target, targetOf } from "../target.ts";
import { bodyOf } from "./body.ts";
import { FILTER_OPTIONS, type Filter, filterOf } from "./filter.ts";
import { type Destination, destinationOf, send, sentCell } from "./forward.ts";
import { COMMON_OPTIONS } from "./gateway.ts";
import { type Cell, HEAD, rowOf, table } from "./table.ts";

const OPTIONS = {
  ...COMMON_OPTIONS,
  ...FILTER_OPTIONS,
  forward: { type: "string" },
  "allow-remote": { type: "boolean" },
} as const;

/** How long the gateway keeps one question that has no answer yet. */
const POLL_MS = 20_000;
/** A gateway that restarts is back within seconds: look often. */
const RETRY = { baseMs: 200, maxMs: 3_000 };

/** Rows come one by one: what most of them need. */
const WIDTHS = [20, 12, 8, 7, 40];

interface Following {
  readonly filter: Filter;
  readonly destination: Destination | undefined;
  readonly json: boolean;
  readonly timeoutMs: number;
  /** Where in the log we are; undefined: nowhere yet. */
  after: number | undefined;
}

/** `webhooks tail`: follows until it is told to stop, over restarts of the gateway. */
export async function tail(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  if (positionals.length > 0 || values.until !== undefined) {
    const message = "webhooks tail has no end and takes no ids; try --help";
    throw new GatewayError("invalid_request", message);
  }
  const { forward, json = false, "allow-remote": allowRemote = false } = values;
  const filter = filterOf(values, Date.now());
  const destination = forward === undefined ? undefined : await destinationOf(forward, allowRemote);
  const target = await targetOf({ timeout: "10000", ...values }, io);
  const { timeoutMs } = target;
  await keepFollowing(target, { filter, destination, json, timeoutMs, after: undefined }, io);
  return 0;
}

async function keepFollowing(target: Target, following: Following, io: Io): Promise<void> {
  const { stop } = io;
  let failures = 0;
  while (!stop.aborted) {
    try {
      using line = await openGateway(target, stop);
      if (line === undefined) throw nobodyAt(target);
      if (failures > 0) io.err("sallyport: following again");
      failures = 0;
      await follow(line, following, io);
    } catch (error) {
      if (stop.aborted) return;
      // Of a gateway that never was there people want to know; of one that restarts they need not.
      if (following.after === undefined || !isPassing(error)) throw error;
      if (failures === 0) io.err("sallyport: the gateway is gone; waiting for it to come back");
      await systemClock.wait(backoffMs(Math.min(failures, 10), Math.random, RETRY), stop);
      failures += 1;
    }
  }
}

async function follow(line: GatewayLine, following: Following, io: Io): Promise<void> {
  const { filter, timeoutMs, json } = following;
  while (!io.stop.aborted) {
    const isFirst = following.after === undefined;
    const { since, ...rest } = filter;
    const place = isFirst ? { since } : { after: following.after };
    // The first answer comes at once: it says where we are.
    const asked = { ...rest, ...place, waitMs: isFirst ? 0 : POLL_MS };
    const payload = await line.call("webhooks.tail", asked, timeoutMs + POLL_MS);
    const { webhooks, cursor } = WebhookTail.parse(payload);
    if (isFirst && !json) io.out(table(HEAD, [], io, WIDTHS)[0] ?? "");
    for (const webhook of webhooks) {
      await tell(line, webhook, following, io);
      // One that was told is not told again, should the connection end within the page.
      following.after = Math.max(following.after ?? 0, webhook.seq ?? 0);
    }
    following.after = cursor;
  }
}

async function tell(
  line: GatewayLine,
  webhook: WebhookEntry,
  { destination, json }: Following,
  io: Io,
): Promise<void> {
  if (destination === undefined) {
    io.out(json ? JSON.stringify(webhook) : lineOf(rowOf(webhook), io));
    return;
  }
  const { id } = webhook;
  const details = WebhookDetails.parse(await line.call("webhooks.show", { id }));
  const parcel = { webhook: details, body: await bodyOf(line, id, "raw"), turn: 1 };
  const forwarded = await send(parcel, destination, io.stop);
  if (json) io.out(JSON.stringify({ ...webhook, forwarded }));
  else io.out(lineOf([...rowOf(webhook).slice(0, -1), sentCell(forwarded)], io));
}

/** One row below the head that was printed at the beginning. */
function lineOf(row: readonly Cell[], io: Io): string {
  return table(HEAD, [row], io, WIDTHS)[1] ?? "";
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false;
  return CODES[error.code].retrySafe || error.code === "core_lost" || error.code === "core_timeout";
}
