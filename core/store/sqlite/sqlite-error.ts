import { type ErrorCode, GatewayError } from "../../../shared/errors.ts";

/** SQLite's primary result code for a lock that somebody else holds. */
const BUSY = 5;

interface Fault {
  readonly code: ErrorCode;
  /** What is said of the file. */
  readonly text: string;
}

const FULL: Fault = { code: "overloaded", text: "has no room left on its disk: nothing was saved" };
const FAILED: Fault = { code: "overloaded", text: "is on a disk that failed: nothing was saved" };
const REFUSED: Fault = { code: "forbidden", text: "cannot be written: check who owns it" };
const DAMAGED: Fault = {
  code: "invalid_request",
  text: "is damaged or no database: restore a backup, or move it away to start anew",
};

/**
 * Faults that a person can do something about, by the result code of SQLite or the code of the
 * file system. Source: https://sqlite.org/rescode.html
 */
const FAULTS: ReadonlyMap<number | string, Fault> = new Map<number | string, Fault>([
  [13, FULL],
  ["ENOSPC", FULL],
  [10, FAILED],
  ["EIO", FAILED],
  [8, REFUSED],
  [14, REFUSED],
  ["EACCES", REFUSED],
  ["EPERM", REFUSED],
  ["EROFS", REFUSED],
  [11, DAMAGED],
  [26, DAMAGED],
]);

export function isBusy(error: unknown): boolean {
  return faultCode(error) === BUSY;
}

/** Such a fault in words; every other error comes back as it was. */
export function explain(error: unknown, file: string): unknown {
  const fault = FAULTS.get(faultCode(error) ?? "");
  return fault === undefined
    ? error
    : new GatewayError(fault.code, `${file} ${fault.text}`, { cause: error });
}

function faultCode(error: unknown): number | string | undefined {
  if (!(error instanceof Error) || error instanceof GatewayError) return undefined;
  // The upper bits of SQLite's code tell which kind of the same fault it was.
  if ("errcode" in error && typeof error.errcode === "number") return error.errcode & 0xff;
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}
