/** Which file a change goes to. Pure. */
import { dirname, relative } from "node:path";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { Boundary, Composed } from "../file/compose.ts";
import { pathText } from "../issues/path-text.ts";
import { valueAt } from "../tree.ts";
import type { Edit } from "./change.ts";

export interface Owner {
  readonly file: string;
  /** Where its content stands in the whole. */
  readonly prefix: readonly string[];
}

/**
 * The config itself, or the one file it includes that all changed settings come from. What stands
 * beside an `$include` of the whole wins, so what no such file knows goes there. An error says
 * why it is neither: then somebody has to edit the files, for whatever we wrote would be overruled
 * by them or change what else they are included for.
 */
export function ownerOf(
  edits: readonly Edit[],
  composed: Composed,
  configPath: string,
): Result<Owner, string> {
  const touched = composed.boundaries.filter(({ path }) =>
    edits.some((edit) => startsWith(edit.path, path) || startsWith(path, edit.path)),
  );
  if (touched.every((one) => passesBy(one, edits))) return ok({ file: configPath, prefix: [] });
  const [owner] = touched.toSorted((a, b) => b.path.length - a.path.length);
  const file = owner?.files[0];
  if (owner === undefined || file === undefined || !takesAll(owner, edits))
    return err(why(touched));
  const isWhole = touched.every((one) => one.isWhole);
  const isAlone = composed.boundaries.filter(({ files }) => files.includes(file)).length === 1;
  const isPlain = composed.boundaries.every(({ from }) => from !== file);
  const isNear = !relative(dirname(configPath), file).startsWith("..");
  const inList = owner.path.some((_part, depth) =>
    Array.isArray(valueAt(composed.value, owner.path.slice(0, depth))),
  );
  if (isWhole && isAlone && isPlain && isNear && !inList) return ok({ file, prefix: owner.path });
  return err(why(touched));
}

/** True for files that the whole is merged from and that say nothing of what changes. */
function passesBy({ path, keys }: Boundary, edits: readonly Edit[]): boolean {
  if (path.length > 0) return false;
  return edits.every(({ path: [key] }) => key !== undefined && !keys.includes(key));
}

function takesAll({ path }: Boundary, edits: readonly Edit[]): boolean {
  if (path.length === 0) return false;
  return edits.every((edit) => edit.path.length > path.length && startsWith(edit.path, path));
}

function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return start.every((part, index) => path[index] === part);
}

function why(touched: readonly Boundary[]): string {
  const parts = touched.map(({ path, files }) => {
    const at = path.length === 0 ? "the config" : pathText(path);
    return `${at} from ${files.join(" and ")}`;
  });
  return `$include takes ${parts.join(", ")}, and this change is not of one such file alone: edit the files`;
}
