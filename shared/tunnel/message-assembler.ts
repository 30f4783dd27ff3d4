import { concat, fromUtf8 } from "../bytes.ts";

/** Puts the fragments of WebSocket messages together; pure but for its memory, which is bounded. */
export class MessageAssembler {
  readonly #maxBytes: number;
  #fragments: Uint8Array[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns The whole message, `partial` while more must come, `too_large` beyond the bound. */
  add(
    bytes: Uint8Array,
    { fin, text }: { readonly fin: boolean; readonly text: boolean },
  ): { readonly message: string | Uint8Array } | "partial" | "too_large" {
    this.#bytes += bytes.byteLength;
    if (this.#bytes > this.#maxBytes) return "too_large";
    this.#fragments.push(bytes);
    if (!fin) return "partial";
    const whole = this.#fragments.length === 1 ? bytes : concat(this.#fragments);
    this.#fragments = [];
    this.#bytes = 0;
    return { message: text ? fromUtf8(whole) : whole };
  }
}
