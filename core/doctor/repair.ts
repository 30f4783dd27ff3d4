import { chmod, rm } from "node:fs/promises";
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
  const open = [
    ...(folder?.isFolder === true ? [{ ...folder, checkId: "state.folder" as const }] : []),
    ...files.map((file) => ({ ...file, checkId: "state.modes" as const })),
  ].filter(({ mode }) => (mode & OTHERS) !== 0);
  const drafts = await lookForDrafts(stateDir, now);
  const done = await Promise.all([
    ...open.map(({ path, mode, checkId }) => {
      const closed = mode & ~OTHERS;
      const message = `closed to other users: 0${mode.toString(8)} became 0${closed.toString(8)}`;
      return attempt({ checkId, message, path }, () => chmod(path, closed));
    }),
    ...drafts.map((path) =>
      attempt({ checkId: "state.drafts", message: "removed", path }, () => rm(path)),
    ),
  ]);
  return done.flatMap((one) => one ?? []);
}

/** What belongs to somebody else stays as it is; its check goes on saying so. */
async function attempt(one: Repair, work: () => Promise<void>): Promise<Repair | undefined> {
  return work().then(
    () => one,
    () => undefined,
  );
}
