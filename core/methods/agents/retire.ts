import { mkdir, rename } from "node:fs/promises";
import { basename, join, sep } from "node:path";

/** What became of a folder. */
export interface Retired {
  readonly path: string;
  readonly method: "trash" | "missing";
}

/**
 * Moves the workspace of an agent out of the way, where people find it again. One outside of the
 * state folder was not made by us, and stays.
 */
export async function retire(
  workspace: string,
  stateDir: string,
  now: number,
): Promise<readonly Retired[]> {
  if (!workspace.startsWith(stateDir + sep)) return [];
  const trash = join(stateDir, "trash");
  await mkdir(trash, { recursive: true, mode: 0o700 });
  try {
    await rename(workspace, join(trash, `${basename(workspace)}-${now}`));
    return [{ path: workspace, method: "trash" }];
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    return [{ path: workspace, method: "missing" }];
  }
}
