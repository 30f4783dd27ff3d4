import { type FileHandle, open } from "node:fs/promises";

/** What is asked of a log file. */
export interface TailRequest {
  /** Where the last answer ended; undefined: the end of the file. */
  readonly cursor: number | undefined;
  readonly limit: number;
  readonly maxBytes: number;
}

export interface Tail {
  readonly file: string;
  /** For the next request: the end of the last whole line. */
  readonly cursor: number;
  readonly size: number;
  readonly lines: readonly string[];
  /** There was more than was asked for. */
  readonly truncated: boolean;
  /** The file is another one than the cursor was for. */
  readonly reset: boolean;
}

/** The last lines of a file, or those after a cursor. A file that is not there is empty. */
export async function tailFile(file: string, request: TailRequest): Promise<Tail> {
  let handle;
  try {
    handle = await open(file, "r");
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ENOENT") throw error;
    const reset = (request.cursor ?? 0) > 0;
    return { file, cursor: 0, size: 0, lines: [], truncated: false, reset };
  }
  try {
    return await tailOf(handle, file, request);
  } finally {
    await handle.close();
  }
}

async function tailOf(
  handle: FileHandle,
  file: string,
  { cursor = 0, limit, maxBytes }: TailRequest,
): Promise<Tail> {
  const { size } = await handle.stat();
  const reset = cursor > size;
  const from = reset ? 0 : cursor;
  const cut = size - maxBytes > from;
  // One byte earlier, to see whether a line begins there.
  const position = cut ? size - maxBytes - 1 : from;
  const { buffer, bytesRead } = await handle.read({
    buffer: Buffer.alloc(size - position),
    position,
  });
  const text = buffer.subarray(0, bytesRead);
  const end = text.lastIndexOf(0x0a) + 1;
  const begin = cut ? text.indexOf(0x0a) + 1 : 0;
  const whole = begin < end ? text.toString("utf8", begin, end - 1).split("\n") : [];
  const lines = whole.filter((line) => line !== "");
  return {
    file,
    cursor: position + end,
    size,
    lines: lines.slice(-limit),
    truncated: cut || lines.length > limit,
    reset,
  };
}
