/** What is kept beside the state, and what was left behind. Pure. */
import { ok, type Verdict, warning } from "./finding.ts";

export interface LogFacts {
  /** Undefined: there is none. */
  readonly folder: string | undefined;
  readonly isWritable: boolean;
  readonly files: number;
  readonly bytes: number;
}

const MIB = 1024 * 1024;
/** A week of the largest files there may be by default. */
const MANY_BYTES = 512 * MIB;

/** @param names - Of earlier versions of the config, newest first. */
export function judgeBackups(names: readonly string[]): Verdict {
  if (names.length === 0) return ok("no earlier version of the config is kept yet");
  return ok(`earlier versions of the config: ${names.join(", ")}`);
}

/** @param drafts - Files of writes that were killed. */
export function judgeDrafts(drafts: readonly string[]): Verdict {
  if (drafts.length === 0) return ok("nothing was left behind by a write that was killed");
  return warning(
    `${drafts.length} ${drafts.length === 1 ? "file" : "files"} of writes that were killed, ${drafts[0] ?? ""} the first`,
    "sallyport doctor --fix removes them",
  );
}

/** @param refusal - Why a gateway would not start on the state; undefined: it would. */
export function judgeForeign(refusal: string | undefined): Verdict {
  if (refusal === undefined) return ok("no newer state of another program is there");
  return warning(refusal, "sallyport migrate --from openclaw says what can be taken over");
}

export function judgeLogs({ folder, isWritable, files, bytes }: LogFacts): Verdict {
  if (folder === undefined) return ok("there is no log file: logging.file is empty");
  if (!isWritable) {
    return warning(`${folder} cannot be written to`, "chown it, or set logging.file");
  }
  const said = `${folder}: ${files} files, ${Math.ceil(bytes / MIB)} MiB`;
  if (bytes < MANY_BYTES) return ok(said);
  return warning(said, "lower logging.maxFileBytes, or remove what is old");
}
