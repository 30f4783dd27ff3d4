/** The log of a gateway, answer by answer, and on from where it was when the gateway comes back. */
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { CODES, GatewayError } from "../../../shared/errors.ts";
import { type GatewayLine, openGateway } from "../client.ts";
import type { Io } from "../command.ts";
import { failureTypeOf } from "../failure.ts";
import { nobodyAt } from "../nobody.ts";
import type { Target } from "../target.ts";

/** The most a gateway gives at once: whoever goes on with a log wants all that was added. */
export const MOST = { lines: 5_000, bytes: 1_000_000 } as const;

const Tail = z.object({
  file: z.string(),
  cursor: z.number(),
  size: z.number(),
  lines: z.array(z.string()),
  truncated: z.boolean().default(false),
  reset: z.boolean().default(false),
});
export type Tail = z.output<typeof Tail>;

export interface FeedHow {
  /** Of the first answer. */
  readonly limit: number;
  readonly maxBytes: number;
  readonly intervalMs: number;
  /** False: one answer is all. */
  readonly goOn: boolean;
}

/**
 * The last lines, and those that are added to them until the process is asked to end. A gateway that
 * goes away is waited for.
 *
 * @throws GatewayError core_offline when there is none to begin with; what it refuses us with.
 */
export async function* feedOf(target: Target, how: FeedHow, io: Io): AsyncGenerator<Tail> {
  let line = await openGateway(target, io.stop);
  if (line === undefined) throw nobodyAt(target);
  let last: Tail | undefined;
  try {
    while (line !== undefined) {
      const tail: Tail | undefined =
        last === undefined ? await firstOf(line, how) : await nextOf(line, last, io);
      if (tail !== undefined) yield tail;
      last = tail ?? last;
      if (!how.goOn || !(await pause(how, io))) return;
      if (tail !== undefined) continue;
      line[Symbol.dispose]();
      line = await reconnect(target, how, io);
    }
  } finally {
    line?.[Symbol.dispose]();
  }
}

async function firstOf(line: GatewayLine, { limit, maxBytes }: FeedHow): Promise<Tail> {
  return Tail.parse(await line.call("logs.tail", { limit, maxBytes }));
}

/** @returns Undefined: the gateway went away. */
async function nextOf(line: GatewayLine, last: Tail, io: Io): Promise<Tail | undefined> {
  const all = { limit: MOST.lines, maxBytes: MOST.bytes };
  try {
    const tail = Tail.parse(await line.call("logs.tail", { ...all, cursor: last.cursor }));
    // A cursor is a place in one file: the one of the next day is read from its start.
    const isOther = tail.file !== last.file && !tail.reset;
    const whole = isOther ? Tail.parse(await line.call("logs.tail", { ...all, cursor: 0 })) : tail;
    if (whole.truncated) io.err("warning: more was logged than can be shown: lines are missing");
    return whole;
  } catch (error) {
    if (io.stop.aborted || mayPass(error)) return undefined;
    throw error;
  }
}

/** @returns Undefined: the process is to end. */
async function reconnect(target: Target, how: FeedHow, io: Io): Promise<GatewayLine | undefined> {
  if (!io.stop.aborted) io.err(`the gateway at ${target.url} went away; waiting for it`);
  while (!io.stop.aborted) {
    try {
      const line = await openGateway(target, io.stop);
      if (line !== undefined) {
        io.err("the gateway is back");
        return line;
      }
    } catch (error) {
      if (!io.stop.aborted && !mayPass(error)) throw error;
    }
    if (!(await pause(how, io))) return undefined;
  }
  return undefined;
}

/** As long as a gateway starts anew, or another one takes over. */
function mayPass(error: unknown): boolean {
  if (failureTypeOf(error) === "gateway_transport_error") return true;
  return error instanceof GatewayError && CODES[error.code].retrySafe;
}

/** @returns False: the process is to end. */
async function pause({ intervalMs }: FeedHow, { stop }: Io): Promise<boolean> {
  await sleep(intervalMs, undefined, { signal: stop }).catch(() => undefined);
  return !stop.aborted;
}
