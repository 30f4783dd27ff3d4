import { toHex } from "../../shared/bytes.ts";
import { Random } from "../support/random.ts";
import { check, checkEqual } from "./check.ts";

const PATTERN = new Random(0x5a11).bytes(1 << 16);

/** Byte `offset` of the body named `key`: no two bodies look alike for long. */
function fill(bytes: Uint8Array, key: number, from: number): Uint8Array {
  for (let index = 0; index < bytes.byteLength; index += 1) {
    const offset = from + index;
    const at = (offset + Math.imul(key, 0x9e37) + (offset >>> 16)) & 0xffff;
    bytes[index] = (PATTERN[at] ?? 0) ^ key;
  }
  return bytes;
}

/** One direction of one stream: what was put in, and what has come out so far. */
export class Flow {
  readonly key: number;
  written = 0;
  /** The writer has said that nothing follows. */
  ended = false;
  read = 0;
  gotEnd = false;
  /** Stopped, reset or forgotten: the rest may be missing, what comes must still be right. */
  cut = false;
  readonly #sent: (string | Uint8Array)[] = [];
  #received = 0;
  #close: readonly [code: number, reason: string] | undefined;

  constructor(key: number) {
    this.key = key;
  }

  nextBytes(length: number): Uint8Array {
    const bytes = fill(new Uint8Array(length), this.key, this.written);
    this.written += length;
    return bytes;
  }

  nextMessage(random: Random, length: number): string | Uint8Array {
    const bytes = fill(new Uint8Array(length), this.key, this.#sent.length);
    const message = random.once(2) ? bytes : `${toHex(bytes.subarray(0, 1_000))}€😀`;
    this.#sent.push(message);
    return message;
  }

  closeWith(code: number, reason: string): void {
    this.ended = true;
    this.#close = [code, reason];
  }

  took(bytes: Uint8Array): void {
    check(!this.gotEnd, "data after the end");
    check(this.read + bytes.byteLength <= this.written, "more was read than written");
    const expected = fill(new Uint8Array(bytes.byteLength), this.key, this.read);
    checkEqual(bytes, expected, `body ${this.key} at ${this.read}`);
    this.read += bytes.byteLength;
  }

  tookMessage(message: string | Uint8Array): void {
    check(!this.gotEnd, "a message after the close");
    const expected = this.#sent[this.#received];
    this.#received += 1;
    if (typeof message === "string" || typeof expected === "string" || expected === undefined) {
      check(message === expected, "another message than was sent");
    } else {
      checkEqual(message, expected, "another message than was sent");
    }
  }

  tookClose(code: number, reason: string): void {
    this.tookEnd();
    check(this.#close?.[0] === code && this.#close[1] === reason, "another close than was sent");
  }

  tookEnd(): void {
    check(this.ended && !this.gotEnd, "an end that was not sent, or twice");
    this.gotEnd = true;
  }

  /** Everything that was put in has come out; of a flow that was cut, nothing wrong has. */
  checkComplete(): void {
    if (this.cut) return;
    check(this.ended && this.gotEnd, `body ${this.key} has not ended`);
    check(this.read === this.written, `body ${this.key}: ${this.read} of ${this.written} came`);
    check(this.#received === this.#sent.length, "messages are missing");
  }
}
