/**
 * Hostile bytes for the parsers and for sessions, fresh and busy. Whatever comes: no exception, no
 * memory beyond the windows, and the connection either goes on or ends once, with a reason.
 */
import { LIMITS } from "../../shared/limits.ts";
import { decodeFields, encodeFields, type Fields } from "../../shared/tunnel/fields.ts";
import {
  decodeFrames,
  encodeFrames,
  encodeOffset,
  encodeU32,
  type Frame,
  FrameType,
  GoAwayCode,
  ResetCode,
} from "../../shared/tunnel/frame.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import { type Pair, pair } from "../support/session-pair.ts";
import type { Random } from "../support/random.ts";
import { check, checkEqual } from "./check.ts";

const TYPES = Object.values(FrameType);
const NAMES = [":id", ":status", ":stream-window", ":connection-window", ":max-streams", "x", ""];
const NOTHING = new Uint8Array(0);

/** One case: some messages, to the parsers alone and to both ends of a session. */
export function runParserCase(random: Random): void {
  const messages = Array.from({ length: random.between(1, 4) }, () => hostileMessage(random));
  for (const message of messages) checkFrames(message);
  checkFields(hostileBlock(random));
  checkSession(random, messages);
}

function checkFrames(message: Uint8Array): void {
  const frames = decodeFrames(message);
  if (!frames.ok) return;
  const again = encodeFrames(frames.value);
  check(again.byteLength <= message.byteLength, "frames hold more than their message");
  const twice = decodeFrames(again);
  check(twice.ok && twice.value.length === frames.value.length, "frames do not round-trip");
}

function checkFields(block: Uint8Array): void {
  const fields = decodeFields(block);
  if (!fields.ok) return;
  const again = encodeFields(fields.value);
  check(again.ok || block.byteLength > LIMITS.maxHeadBytes, "fields that cannot be written back");
  if (again.ok) checkEqual(again.value, block, "fields do not round-trip");
}

function checkSession(random: Random, messages: readonly Uint8Array[]): void {
  const fatal: string[] = [];
  const heard: Stream[] = [];
  const onFatal = (reason: string): void => void fatal.push(reason);
  const onOpen = (stream: Stream): void => {
    heard.push(stream);
    listen(stream, random.once(2));
  };
  const joined = pair({ onFatal, onOpen }, { onFatal, onOpen });
  if (random.once(2)) heard.push(...makeBusy(random, joined));
  const victim = random.once(2) ? joined.core : joined.relay;
  for (const message of messages) {
    victim.receive(message);
    joined.clock.now += random.size(1_000);
    check(victim.bufferedBytes >= 0, "less than nothing buffered");
    check(victim.bufferedBytes <= LIMITS.connectionWindowBytes + BUSY_BYTES, "buffers unbounded");
    check(fatal.length <= 1, "more than one fatal error");
    check(victim.ready !== fatal.length > 0, "neither ready nor ended");
  }
  check(fatal.length === 0 || victim.busy === 0, "ended, and still busy");
  victim.flush();
  victim.lost();
  // What had come whole may be read still; who gives it up gives everything back, once.
  for (const stream of heard) stream.reset(ResetCode.cancel);
  check(victim.busy === 0, "lost, and still busy");
  // The frame that ended it may have been counted already.
  if (fatal.length === 0) check(victim.bufferedBytes === 0, "lost, and still holds something");
}

const BUSY_BYTES = 200_000;

/** A few streams of each kind, both ways, in all stages of life. */
function makeBusy(random: Random, joined: Pair): Stream[] {
  const { relay, core } = joined;
  const head: Fields = [[":id", "d"]];
  const opened: Stream[] = [];
  for (let count = random.between(1, 5); count > 0; count -= 1) {
    const session = random.once(2) ? relay : core;
    const kind = random.pick(["http", "websocket", "delivery"] as const);
    const stream = session.openStream(kind, head, kind !== "websocket" && random.once(4));
    if (stream === undefined) continue;
    opened.push(stream);
    listen(stream, random.once(2));
    if (kind === "websocket") stream.sendMessage(new Uint8Array(random.size(BUSY_BYTES / 5)));
    else stream.write(new Uint8Array(random.size(BUSY_BYTES / 5)));
    if (random.once(3)) stream.end();
    if (random.once(6)) stream.stop();
    if (random.once(2)) joined.settle();
  }
  if (random.once(8)) relay.goAway(GoAwayCode.shutdown, "");
  return opened;
}

function listen(stream: Stream, reads: boolean): void {
  stream.listen((event) => {
    if (event.type === "data" && reads) stream.consume(event.bytes.byteLength);
  });
}

function hostileMessage(random: Random): Uint8Array {
  if (random.once(8)) return random.bytes(random.size(2_000));
  const frames = Array.from({ length: random.between(1, 6) }, () => someFrame(random));
  const message = encodeFrames(frames);
  return random.once(2) ? message : mutate(random, message);
}

function someFrame(random: Random): Frame {
  return {
    type: random.pick(TYPES),
    flags: random.below(16),
    ext: random.once(4) ? random.below(0x1_0000) : random.below(12),
    stream: random.once(8) ? random.u32() : random.below(12),
    payload: somePayload(random),
  };
}

function somePayload(random: Random): Uint8Array {
  switch (random.below(7)) {
    case 0:
      return NOTHING;
    case 1:
      return encodeOffset(random.size(2 ** 40));
    case 2:
      return encodeU32(random.u32());
    case 3:
      return random.bytes(random.size(300));
    case 4:
      // Now and then a long one: filled with nothing, as filling it would take all the time.
      return new Uint8Array(random.once(8) ? random.size(2 * LIMITS.maxFrameBytes) : 8);
    default:
      return hostileBlock(random);
  }
}

function hostileBlock(random: Random): Uint8Array {
  const fields: Fields = Array.from({ length: random.size(8) }, () => [
    random.pick(NAMES),
    random.once(2) ? String(random.size(2 ** 31)) : String.fromCharCode(random.between(1, 300)),
  ]);
  const block = encodeFields(fields);
  if (!block.ok) return NOTHING;
  return random.once(3) ? mutate(random, block.value) : block.value;
}

/** Flips, cuts, repeats and swaps: what was right is wrong in one or a few places. */
function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  let mutated = bytes.slice();
  for (let count = random.between(1, 4); count > 0; count -= 1) {
    const at = random.below(mutated.byteLength + 1);
    const kind = random.below(4);
    if (kind === 0) {
      mutated[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    } else if (kind === 1) {
      mutated = mutated.subarray(0, at);
    } else if (kind === 2) {
      mutated = mutated.subarray(at);
    } else {
      const longer = new Uint8Array(mutated.byteLength + at);
      longer.set(mutated);
      longer.set(mutated.subarray(0, at), mutated.byteLength);
      mutated = longer;
    }
  }
  return mutated.slice();
}
