import pino from "pino";
import { expect, test } from "vitest";
import { GatewayError } from "../../../shared/errors.ts";
import type { Clock } from "../../channels/clock.ts";
import { supervise } from "./supervise.ts";

function world() {
  const lines: { part: string; retryInMs: number }[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  let now = 0;
  const waits: number[] = [];
  const clock: Clock = {
    now: () => now,
    async wait(ms) {
      waits.push(ms);
      now += ms;
    },
  };
  const advance = (ms: number): void => {
    now += ms;
  };
  return { lines, waits, advance, parts: { clock, log, random: () => 0.5 } };
}

test("a loop that fails is logged and started again after growing pauses", async () => {
  const { lines, waits, parts } = world();
  let runs = 0;
  const run = async (): Promise<void> => {
    runs += 1;
    if (runs < 4) throw new Error("broken");
  };
  await supervise("outbox", run, new AbortController().signal, parts);
  expect(waits).toEqual([250, 500, 1000]);
  expect(lines.map(({ part, retryInMs }) => [part, retryInMs])).toEqual([
    ["outbox", 250],
    ["outbox", 500],
    ["outbox", 1000],
  ]);
});

test("a loop that ran well for a while starts over with short pauses", async () => {
  const { waits, advance, parts } = world();
  let runs = 0;
  const run = async (): Promise<void> => {
    runs += 1;
    if (runs === 3) advance(60_000);
    if (runs < 4) throw new Error("broken");
  };
  await supervise("inbox", run, new AbortController().signal, parts);
  expect(waits).toEqual([250, 500, 250]);
});

test("a loop that is asked to stop is not started again", async () => {
  const { waits, parts } = world();
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    stop.abort();
    throw new Error("cut off");
  };
  await supervise("tunnel", run, stop.signal, parts);
  expect(waits.length).toBe(1);
});

test("a loop that was refused for good stays down", async () => {
  const { lines, waits, parts } = world();
  await supervise("telegram", refused, new AbortController().signal, parts);
  expect([waits, lines.length]).toEqual([[], 1]);
});

async function refused(): Promise<void> {
  throw new GatewayError("unauthenticated", "the token was revoked");
}
