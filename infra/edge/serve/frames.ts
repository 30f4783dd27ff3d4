/** RFC 6455 section 5.2: the opcode of a close frame, and FIN with it. */
const OPCODE_CLOSE = 0x8;
const FIN = 0x80;

/**
 * Follows what a WebSocket's server sends, to know where a frame of ours may stand: in the middle of
 * another it would become a part of that one's message. Pure; it reads nothing but heads.
 */
export class FrameFollower {
  /** What has come of the next head, 14 bytes at the most. */
  #head: number[] = [];
  /** What is still to come of the payload. */
  #leftBytes = 0;
  #closed = false;

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.#leftBytes > 0) {
        const taken = Math.min(this.#leftBytes, chunk.byteLength - at);
        this.#leftBytes -= taken;
        at += taken;
      } else {
        this.#takeOfHead(chunk[at] ?? 0);
        at += 1;
      }
    }
  }

  /** The server has said goodbye. */
  get closed(): boolean {
    return this.#closed && this.#leftBytes === 0;
  }

  /** True between two frames; false for good after a close frame. */
  get mayClose(): boolean {
    return !this.#closed && this.#leftBytes === 0 && this.#head.length === 0;
  }

  #takeOfHead(byte: number): void {
    this.#head.push(byte);
    const length = payloadLength(this.#head);
    if (length === undefined) return;
    if (((this.#head[0] ?? 0) & 0x0f) === OPCODE_CLOSE) this.#closed = true;
    this.#leftBytes = length;
    this.#head = [];
  }
}

/** Undefined while the head is not whole. */
function payloadLength(head: readonly number[]): number | undefined {
  const [, second] = head;
  if (second === undefined) return undefined;
  const short = second & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const mask = (second & 0x80) === 0 ? 0 : 4;
  if (head.length < 2 + extended + mask) return undefined;
  if (extended === 0) return short;
  return head.slice(2, 2 + extended).reduce((length, byte) => length * 256 + byte, 0);
}

/** A server's close frame. @param reason - ASCII, at most 123 characters. */
export function closeFrame(code: number, reason: string): Buffer {
  const head = [FIN | OPCODE_CLOSE, 2 + reason.length, code >> 8, code & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.from(reason, "ascii")]);
}
