/** Whether the state folder is fit to be used. Pure: facts in, verdicts out. */
import { failed, ok, type Verdict, warning } from "./finding.ts";

/** A file or folder as the disk shows it. */
export interface FileFacts {
  /** Absolute. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly uid: number;
  /** Permission bits. */
  readonly mode: number;
}

export interface FolderFacts extends FileFacts {
  /** This process may read, write and enter it. */
  readonly usable: boolean;
}

/** Who says in `gateway.pid` that it has the state. */
export interface HolderFacts {
  readonly pid: number;
  readonly host: string;
  /** Whether that process is there; undefined on another machine. */
  readonly alive: boolean | undefined;
}

/** A write-ahead log and a few days of work. */
const LITTLE_SPACE = 512 * 1024 * 1024;
/** SQLite needs room for its log to commit at all. */
const NO_SPACE = 16 * 1024 * 1024;
const MIB = 1024 * 1024;
/** How many files one line names. */
const MAX_SHOWN = 5;

/** @param uid - Of this process; undefined where there are no user ids. */
export function judgeFolder(
  path: string,
  facts: FolderFacts | undefined,
  uid: number | undefined,
): Verdict {
  const elsewhere = "or set OPENCLAW_STATE_DIR to the folder your gateway uses";
  if (facts === undefined) {
    return failed(
      `${path} does not exist`,
      `start the gateway once (sallyport gateway), ${elsewhere}`,
    );
  }
  if (!facts.isFolder)
    return failed(`${path} is not a folder`, `move that file away, ${elsewhere}`);
  if (uid !== undefined && uid !== 0 && facts.uid !== uid && facts.uid !== 0) {
    return failed(
      `${path} belongs to user ${facts.uid}, and this is user ${uid}`,
      `run this as the user of the gateway, ${elsewhere}`,
    );
  }
  if ((facts.mode & 0o002) !== 0) {
    return failed(
      `${path} can be written by every user (${octal(facts.mode)})`,
      `chmod 700 ${quoted(path)}`,
    );
  }
  if (!facts.usable)
    return failed(`${path} cannot be read and written`, `chown or chmod it, ${elsewhere}`);
  if ((facts.mode & 0o077) !== 0) {
    return warning(
      `${path} is open to other users (${octal(facts.mode)})`,
      `chmod 700 ${quoted(path)}`,
    );
  }
  return ok(`${path} (${octal(facts.mode)})`);
}

/** Files with something in them that others must not know. */
export function judgeModes(files: readonly FileFacts[]): Verdict {
  const open = files.filter(({ mode }) => (mode & 0o077) !== 0);
  if (open.length === 0)
    return ok(`${files.length} files and folders of ours, none open to other users`);
  const shown = open.slice(0, MAX_SHOWN);
  const more = open.length - shown.length;
  return warning(
    `open to other users: ${shown.map(({ path, mode }) => `${path} (${octal(mode)})`).join(", ")}${
      more > 0 ? ` and ${more} more` : ""
    }`,
    `chmod go= ${shown.map(({ path }) => quoted(path)).join(" ")}`,
  );
}

export function judgeSpace(freeBytes: number): Verdict {
  const free = `${Math.floor(freeBytes / MIB)} MiB free`;
  if (freeBytes < NO_SPACE) return failed(free, "make room: nothing can be saved");
  if (freeBytes < LITTLE_SPACE) return warning(free, "make room before the disk is full");
  return ok(free);
}

export function judgeLock(holder: HolderFacts | undefined): Verdict {
  if (holder === undefined) return ok("no gateway has the state");
  const { pid, host, alive } = holder;
  if (alive === undefined) return ok(`pid ${pid} on ${host} had the state last`);
  return alive
    ? ok(`pid ${pid} has the state`)
    : ok(`pid ${pid} had the state and was killed; the lock went with it`);
}

function octal(mode: number): string {
  return `0${(mode & 0o777).toString(8)}`;
}

/** For a shell. */
function quoted(path: string): string {
  return /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
