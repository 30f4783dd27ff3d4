const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const LENGTH = /\r\ncontent-length: *(?<bytes>\d+)/i;
const CHUNKED = /\r\ntransfer-encoding: *chunked/i;

type State = "head" | "body" | "chunk_size" | "chunk" | "chunk_end" | "last_chunk" | "done";

/**
 * Reads one HTTP/1.1 response from the bytes of a connection. Pure.
 *
 * Only what a benchmark needs, so that the client costs little beside what it measures: no
 * trailers, no body that lasts until the connection closes.
 */
export class ResponseReader {
  /** 0 until the head is here. */
  status = 0;
  #state: State = "head";
  /** Bytes that are not a whole head or line yet. */
  #pending: Buffer = Buffer.alloc(0);
  /** Of the body or chunk. */
  #left = 0;
  readonly #onBody: (bytes: Buffer) => void;

  constructor(onBody: (bytes: Buffer) => void) {
    this.#onBody = onBody;
  }

  /** @returns True when the response is complete. @throws Error when it is not one we understand. */
  push(chunk: Buffer): boolean {
    let rest: Buffer | undefined =
      this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#pending = chunk.subarray(0, 0);
    while (rest !== undefined && this.#state !== "done") rest = this.#step(rest);
    return this.#state === "done";
  }

  /** What is left after one step; undefined when more must come first. */
  #step(bytes: Buffer): Buffer | undefined {
    switch (this.#state) {
      case "head":
        return this.#until(HEAD_END, bytes, (head) => this.#onHead(head));
      case "chunk_size":
        return this.#until(LINE_END, bytes, (line) => this.#onChunkSize(line));
      case "chunk_end":
        return this.#until(LINE_END, bytes, () => (this.#state = "chunk_size"));
      case "last_chunk":
        return this.#until(LINE_END, bytes, () => (this.#state = "done"));
      default:
        return this.#take(bytes);
    }
  }

  #until(end: Buffer, bytes: Buffer, take: (text: string) => void): Buffer | undefined {
    const at = bytes.indexOf(end);
    if (at < 0) {
      this.#pending = bytes;
      return undefined;
    }
    take(bytes.toString("latin1", 0, at));
    return bytes.subarray(at + end.length);
  }

  #onHead(head: string): void {
    if (!head.startsWith("HTTP/1.1 ")) throw new Error("not an HTTP/1.1 response");
    this.status = Number(head.slice(9, 12));
    const length = LENGTH.exec(head)?.groups?.["bytes"];
    if (length !== undefined) {
      this.#left = Number(length);
      this.#state = this.#left === 0 ? "done" : "body";
    } else if (CHUNKED.test(head)) this.#state = "chunk_size";
    else throw new Error("a response of unknown length");
  }

  #onChunkSize(line: string): void {
    this.#left = Number.parseInt(line, 16);
    if (!Number.isSafeInteger(this.#left)) throw new Error("not a chunk size");
    this.#state = this.#left === 0 ? "last_chunk" : "chunk";
  }

  #take(bytes: Buffer): Buffer | undefined {
    if (bytes.length === 0) return undefined;
    const own = bytes.length <= this.#left ? bytes : bytes.subarray(0, this.#left);
    this.#left -= own.length;
    this.#onBody(own);
    if (this.#left > 0) return undefined;
    this.#state = this.#state === "body" ? "done" : "chunk_end";
    return bytes.subarray(own.length);
  }
}
