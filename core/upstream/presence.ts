/**
 * Connectors have no port and no lock: each leaves a note in the state folder while it runs, so that
 * whoever looks for a gateway there learns what runs instead.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { jsonOrUndefined } from "../../shared/json.ts";
import { isAlive } from "../gateway/lifecycle/process-alive.ts";

const Note = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** Base URLs. */
  edge: z.url(),
  upstream: z.url(),
});
/** A connector that runs. */
export type Connector = z.output<typeof Note>;

/** One edge has a handful of connectors; whatever else is in that folder is not ours. */
const MAX_NOTES = 100;

/**
 * Says that this process is a connector, until it is disposed. A kill leaves its note behind; the
 * next connector sweeps it away.
 */
export async function leaveNote(
  stateDir: string,
  about: Pick<Connector, "pid" | "edge" | "upstream">,
): Promise<AsyncDisposable> {
  const folder = folderIn(stateDir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const { path, note } of await notesIn(stateDir)) {
    if (!isAlive(note.pid)) await rm(path, { force: true });
  }
  const host = hostname();
  const path = join(folder, `${host}-${about.pid}.json`);
  await writeFile(path, `${JSON.stringify({ ...about, host })}\n`, { mode: 0o600 });
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

/** Those of this machine that live. Changes nothing. */
export async function connectorsIn(stateDir: string): Promise<Connector[]> {
  const notes = (await notesIn(stateDir)).map(({ note }) => note);
  return notes.filter(({ pid }) => isAlive(pid));
}

interface Found {
  readonly path: string;
  readonly note: Connector;
}

/** Of processes of other machines nothing can be told from here. */
async function notesIn(stateDir: string): Promise<Found[]> {
  const folder = folderIn(stateDir);
  // No folder, no connector; what cannot be read is no note of ours.
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names.slice(0, MAX_NOTES).map(async (name): Promise<Found[]> => {
      const path = join(folder, name);
      const text = await readFile(path, "utf8").catch(() => "");
      const note = Note.safeParse(jsonOrUndefined(text));
      return note.success && note.data.host === hostname() ? [{ path, note: note.data }] : [];
    }),
  );
  return found.flat();
}

function folderIn(stateDir: string): string {
  return join(stateDir, "connectors");
}
