import { constants } from "node:fs";
import { open, rm } from "node:fs/promises";
import type { CheckId } from "./verdicts/finding.ts";
import { lookAtFolder, lookAtPrivate } from "./probes/disk.ts";
import { lookForDrafts } from "./probes/state.ts";

/** Something that was put right. */
export interface Repair {
  readonly checkId: CheckId;
  /** One sentence. */
  readonly message: string;
  readonly path: string;
}

/** Of group and others. */
const OTHERS = 0o077;
/** What their owner keeps: nobody executes a file of ours, and a folder is entered by that bit. */
const OWN_OF_FILE = 0o600;
const OWN_OF_FOLDER = 0o700;

/**
 * Puts right what can be put right without asking anybody: closes files to others, and removes what
 * writes have left behind. Nothing of what people wrote is changed.
 *
 * @param now - Unix ms.
 */
export async function repair(
  { stateDir, configPath }: { readonly stateDir: string; readonly configPath: string },
  now: number,
): Promise<readonly Repair[]> {
  const folder = await lookAtFolder(stateDir);
  const files = await lookAtPrivate(stateDir, configPath);
  const tooOpen = [
    ...(folder?.isFolder === true ? [{ ...folder, checkId: "state.folder" as const }] : []),
    ...files.map((file) => ({ ...file, checkId: "state.modes" as const })),
  ].filter(({ mode }) => (mode & OTHERS) !== 0);
  const drafts = await lookForDrafts(stateDir, now);
  const done = await Promise.all([
    ...tooOpen.map(({ path, mode, isFolder, checkId }) => {
      const closed = mode & (isFolder ? OWN_OF_FOLDER : OWN_OF_FILE);
      const message = `closed to other users: 0${mode.toString(8)} became 0${closed.toString(8)}`;
      return attempt({ checkId, message, path }, () => close(path, closed));
    }),
    ...drafts.map((path) =>
      attempt({ checkId: "state.drafts", message: "removed", path }, () => rm(path)),
    ),
  ]);
  return done.flatMap((one) => one ?? []);
}

/** @throws Error for a link: where it leads to is not ours, and others may have to read it. */
async function close(path: string, mode: number): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    await file.chmod(mode);
  } finally {
    await file.close();
  }
}

/** What belongs to somebody else stays as it is; its check goes on saying so. */
async function attempt(one: Repair, work: () => Promise<void>): Promise<Repair | undefined> {
  return work().then(
    () => one,
    () => undefined,
  );
}
