/** Databases are read from copies: a reader of the original would leave files of its own beside it. */
import { copyFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { GatewayError } from "../../shared/errors.ts";

/** A copy is only good when nobody wrote meanwhile; with this many in vain, somebody always does. */
const MAX_TRIES = 3;

/** A private folder that is gone in the end. */
export class Copies implements AsyncDisposable {
  readonly #dir: string;
  readonly #open: DatabaseSync[] = [];
  #count = 0;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async create(): Promise<Copies> {
    return new Copies(await mkdtemp(join(tmpdir(), "sallyport-migrate-")));
  }

  /** A folder with the database in it, under its own name and with what is in its log. */
  async folderWith(file: string): Promise<string> {
    this.#count += 1;
    const folder = await mkdtemp(join(this.#dir, `${this.#count}-`));
    const parts = [file, `${file}-wal`];
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      const before = await Promise.all(parts.map(versionOf));
      for (const [index, part] of parts.entries()) {
        const copy = join(folder, basename(part));
        await rm(copy, { force: true });
        if (before[index] !== undefined) await copyFile(part, copy).catch(explainFault(file));
      }
      const after = await Promise.all(parts.map(versionOf));
      if (before.join() === after.join()) return folder;
    }
    throw new GatewayError(
      "conflict",
      `${file} is being written to: stop what writes it, and repeat`,
    );
  }

  /** @throws GatewayError bad_response for what is no database. */
  async open(file: string): Promise<DatabaseSync> {
    const { DatabaseSync } = await import("node:sqlite");
    const copy = join(await this.folderWith(file), basename(file));
    try {
      const db = new DatabaseSync(copy);
      this.#open.push(db);
      db.prepare("select count(*) from sqlite_schema").get();
      return db;
    } catch (cause) {
      throw new GatewayError("bad_response", `${file} is no database that can be read`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const db of this.#open) db.close();
    await rm(this.#dir, { recursive: true, force: true });
  }
}

async function versionOf(file: string): Promise<string | undefined> {
  const facts = await stat(file).catch(() => undefined);
  return facts && `${facts.ino}:${facts.size}:${facts.mtimeMs}`;
}

/** Whether it matters that it has gone, the next look says. */
function explainFault(file: string): (error: unknown) => void {
  return (cause) => {
    if (!(cause instanceof Error && "code" in cause)) throw cause;
    if (cause.code === "ENOENT") return;
    const message = `${file} cannot be copied to be read (${String(cause.code)})`;
    throw new GatewayError("forbidden", message, { cause });
  };
}
