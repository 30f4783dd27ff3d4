import { fromUtf8 } from "../bytes.ts";

const NOTHING = new Uint8Array(0);

/**
 * Puts the fragments of WebSocket messages together; pure but for its memory, which never exceeds
 * twice the bound, however many fragments there are and however small.
 */
export class MessageAssembler {
  readonly #maxBytes: number;
  #buffer: Uint8Array = NOTHING;
  #bytes = 0;
  #partial = false;
  #kind = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The rest of a message has yet to come. */
  get partial(): boolean {
    return this.#partial;
  }

  /**
   * @param kind - Of the piece: those of one message are of one kind.
   * @returns The whole message, `partial` while more must come, `too_large` beyond the bound,
   *   `mixed` for a piece of another kind within a message.
   */
  add(
    bytes: Uint8Array,
    {
      fin,
      text,
      kind = 0,
    }: { readonly fin: boolean; readonly text: boolean; readonly kind?: number },
  ): { readonly message: string | Uint8Array } | "partial" | "too_large" | "mixed" {
    if (this.#partial && kind !== this.#kind) return "mixed";
    this.#kind = kind;
    if (this.#bytes + bytes.byteLength > this.#maxBytes) return "too_large";
    this.#partial = !fin;
    const whole = fin && this.#bytes === 0 ? bytes : this.#append(bytes);
    if (!fin) return "partial";
    this.#buffer = NOTHING;
    this.#bytes = 0;
    return { message: text ? fromUtf8(whole) : whole };
  }

  /** Copies: a fragment is a view of a larger message that must not stay in memory for it. */
  #append(bytes: Uint8Array): Uint8Array {
    const size = this.#bytes + bytes.byteLength;
    if (size > this.#buffer.byteLength) {
      const grown = new Uint8Array(
        Math.min(Math.max(size, 2 * this.#buffer.byteLength), this.#maxBytes),
      );
      grown.set(this.#buffer.subarray(0, this.#bytes));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#bytes);
    this.#bytes = size;
    return this.#buffer.subarray(0, size);
  }
}
