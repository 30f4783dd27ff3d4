/** Tells what a model thinks from what it says, where a server puts both into one text. Pure. */

const OPEN = "<think>";
const CLOSE = "</think>";

export interface Pieces {
  readonly thought: string;
  readonly text: string;
}

/**
 * Local models often begin an answer with `<think>…</think>`. Only there is it a thought: further on
 * it is a text about such tags.
 */
export class ThoughtSplitter {
  #state: "start" | "thinking" | "after" | "text" = "start";
  #held = "";

  /** The next piece of the text; some of it may be held back until the rest of a tag has come. */
  push(delta: string): Pieces {
    if (this.#state === "text") return { thought: "", text: delta };
    this.#held += delta;
    if (this.#state === "start") this.#begin();
    const thought = this.#state === "thinking" ? this.#think() : "";
    return { thought, text: this.#say() };
  }

  /** What is held back at the end of the answer. */
  end(): Pieces {
    const held = this.#held;
    this.#held = "";
    return this.#state === "thinking" ? { thought: held, text: "" } : { thought: "", text: held };
  }

  #begin(): void {
    const begun = this.#held.trimStart();
    if (begun.startsWith(OPEN)) {
      this.#held = begun.slice(OPEN.length);
      this.#state = "thinking";
    } else if (!OPEN.startsWith(begun)) this.#state = "text";
  }

  #think(): string {
    const end = this.#held.indexOf(CLOSE);
    const sure = end < 0 ? this.#held.length - partOf(this.#held) : end;
    const thought = this.#held.slice(0, sure);
    this.#held = this.#held.slice(end < 0 ? sure : end + CLOSE.length);
    if (end >= 0) this.#state = "after";
    return thought;
  }

  #say(): string {
    // The empty lines between the two belong to neither.
    if (this.#state === "after") this.#held = this.#held.trimStart();
    if (this.#state === "after" && this.#held !== "") this.#state = "text";
    if (this.#state !== "text") return "";
    const text = this.#held;
    this.#held = "";
    return text;
  }
}

/** Units at the end of `text` that may be the beginning of the closing tag. */
function partOf(text: string): number {
  for (let length = Math.min(CLOSE.length - 1, text.length); length > 0; length -= 1) {
    if (CLOSE.startsWith(text.slice(-length))) return length;
  }
  return 0;
}
