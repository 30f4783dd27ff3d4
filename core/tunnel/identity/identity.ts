import { link, mkdir, open, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { randomToken } from "../../../shared/bytes.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { jsonOrUndefined } from "../../../shared/json.ts";
import {
  createTunnelKey,
  importTunnelKey,
  PrivateJwk,
  type TunnelKey,
} from "../../../shared/tunnel/handshake.ts";

/** Where small things with a name are kept; the store has it. */
export interface Shelf {
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string): Promise<void>;
}

const FILE_NAME = "tunnel.json";
/** Names on the shelf, where this was kept before it had a file. */
const SHELF_KEY = "tunnel.key";
const SHELF_PIN = "tunnel.edge.";
const ShelfPin = z.object({ edgeKey: z.string() });

const IdentityFile = z.object({
  key: PrivateJwk,
  /** Known to an edge perhaps, and the key as soon as it is known to all of them. */
  next: z.optional(PrivateJwk),
  /** Name of the key before this one, while an edge may still let it in. */
  former: z.string().optional(),
  /** Keys of edges by host. */
  pins: z.record(z.string(), z.string()).default({}),
  /** Relays of edges by host, first one first: to reach one while the first is away. */
  relays: z.record(z.string(), z.array(z.string())).default({}),
});
type IdentityFile = z.output<typeof IdentityFile>;

/**
 * Who we are to an edge, and who the edge is to us. A file of its own, because a core that stands
 * by shares it with the one that holds the store. Edges know the public half of the key only.
 */
export class Identity {
  readonly #path: string;
  #file: IdentityFile;
  #key: TunnelKey;
  /** One change at a time: each writes the whole file. */
  #changing: Promise<unknown> = Promise.resolve();

  private constructor(path: string, file: IdentityFile, key: TunnelKey) {
    this.#path = path;
    this.#file = file;
    this.#key = key;
  }

  /**
   * Reads the file, or makes it: of what is on the shelf, else of a new key.
   *
   * @throws GatewayError when the file is there and cannot be read.
   */
  static async load(stateDir: string, edge: URL, shelf?: Shelf): Promise<Identity> {
    const path = join(stateDir, FILE_NAME);
    let file = await read(path);
    const kept = await readShelf(shelf, edge.host);
    // One that stands by may have been first to make the file: it has met no edge with it.
    const unused = file !== undefined && Object.keys(file.pins).length === 0;
    if (file === undefined) {
      await mkdir(stateDir, { recursive: true, mode: 0o700 });
      file = await create(path, kept ?? (await freshFile()));
    } else if (unused && kept !== undefined && kept.key.x !== file.key.x) {
      file = kept;
      await replace(path, kept);
    }
    return new Identity(path, file, await importTunnelKey(file.key));
  }

  /**
   * Reads the file, or makes it of a new key. For a machine without a store that may hold another.
   *
   * @throws GatewayError when the file is there and cannot be read.
   */
  static async make(stateDir: string): Promise<Identity> {
    const path = join(stateDir, FILE_NAME);
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    const file = (await read(path)) ?? (await create(path, await freshFile()));
    return new Identity(path, file, await importTunnelKey(file.key));
  }

  /**
   * As it is on the disk; undefined when there is none yet. Changes nothing.
   *
   * @throws GatewayError when the file is there and cannot be read.
   */
  static async peek(stateDir: string): Promise<Identity | undefined> {
    const path = join(stateDir, FILE_NAME);
    const file = await read(path);
    return file && new Identity(path, file, await importTunnelKey(file.key));
  }

  /** Signs every connect request. */
  get key(): TunnelKey {
    return this.#key;
  }

  /** The key of the edge at `host`, once we have met it; it must never change after. */
  pinOf(host: string): string | undefined {
    return this.#file.pins[host];
  }

  /** The relays of the edge at `host` as last told, the first one first. */
  relaysOf(host: string): readonly string[] {
    return this.#file.relays[host] ?? [];
  }

  /** Takes up what another process has written. What cannot be read changes nothing. */
  async refresh(): Promise<void> {
    try {
      const file = await read(this.#path);
      if (file !== undefined) await this.#take(file);
    } catch {
      // What we know is good enough to dial with; a start says what is wrong with the file.
    }
  }

  /** Remembers the key of the edge at `host`. */
  pin(host: string, edgeKey: string): Promise<void> {
    return this.#change((file) => ({ ...file, pins: { ...file.pins, [host]: edgeKey } }));
  }

  /** Remembers the relays of the edge at `host`. */
  async keepRelays(host: string, names: readonly string[]): Promise<void> {
    if (this.relaysOf(host).join() === names.join()) return;
    await this.#change((file) => ({ ...file, relays: { ...file.relays, [host]: [...names] } }));
  }

  /** The key that will follow ours, made on first use. */
  async next(): Promise<TunnelKey> {
    const { jwk } = await createTunnelKey();
    await this.#change((file) => ({ ...file, next: file.next ?? jwk }));
    return importTunnelKey(this.#file.next ?? jwk);
  }

  /** Name of the key before ours, until `forgetFormer`. */
  get former(): string | undefined {
    return this.#file.former;
  }

  /** From now on the next key is ours, and ours the former. */
  promoteNext(): Promise<void> {
    const former = this.#key.kid;
    return this.#change(({ next, ...file }) =>
      next === undefined ? file : { ...file, key: next, former },
    );
  }

  /** No edge lets the former key in any more. */
  forgetFormer(): Promise<void> {
    return this.#change((file) => ({ ...file, former: undefined }));
  }

  #change(edit: (file: IdentityFile) => IdentityFile): Promise<void> {
    const changed = this.#changing.then(() => this.#write(edit));
    this.#changing = changed.catch(() => undefined);
    return changed;
  }

  async #write(edit: (file: IdentityFile) => IdentityFile): Promise<void> {
    const file = edit((await read(this.#path)) ?? this.#file);
    await replace(this.#path, file);
    await this.#take(file);
  }

  async #take(file: IdentityFile): Promise<void> {
    if (file.key.x !== this.#file.key.x) this.#key = await importTunnelKey(file.key);
    this.#file = file;
  }
}

async function freshFile(): Promise<IdentityFile> {
  const { jwk } = await createTunnelKey();
  return { key: jwk, pins: {}, relays: {} };
}

async function readShelf(
  shelf: Shelf | undefined,
  host: string,
): Promise<IdentityFile | undefined> {
  const key = await shelf?.get(SHELF_KEY);
  if (shelf === undefined || key === undefined) return undefined;
  const pin = await shelf.get(SHELF_PIN + host);
  const pins = pin === undefined ? {} : { [host]: ShelfPin.parse(JSON.parse(pin)).edgeKey };
  return { key: PrivateJwk.parse(JSON.parse(key)), pins, relays: {} };
}

/** @returns undefined when there is none. */
async function read(path: string): Promise<IdentityFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (isCode(cause, "ENOENT")) return undefined;
    throw new GatewayError("internal", `Cannot read ${path}`, { cause });
  }
  const file = IdentityFile.safeParse(jsonOrUndefined(text));
  if (file.success) return file.data;
  // What is wrong with it could quote the key.
  throw new GatewayError(
    "internal",
    `${path} is not what we wrote there. Put it back from a backup, or delete it and let the edge know the new key`,
  );
}

/** Makes the file unless another process was faster; then that one's is ours too. */
async function create(path: string, file: IdentityFile): Promise<IdentityFile> {
  const draft = await writeDraft(path, file);
  try {
    await link(draft, path);
    return file;
  } catch (cause) {
    if (!isCode(cause, "EEXIST")) throw cause;
    return (await read(path)) ?? file;
  } finally {
    await unlink(draft);
  }
}

async function replace(path: string, file: IdentityFile): Promise<void> {
  await rename(await writeDraft(path, file), path);
}

/** Whole and on the disk before it gets its name: a crash leaves the old file or the new one. */
async function writeDraft(path: string, file: IdentityFile): Promise<string> {
  const draft = `${path}.${randomToken(6)}`;
  await using handle = await open(draft, "wx", 0o600);
  await handle.writeFile(`${JSON.stringify(file, undefined, 2)}\n`);
  await handle.sync();
  return draft;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
