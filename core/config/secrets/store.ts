/**
 * Secrets that are kept by ourselves: one file of the state folder that nobody else may read, whole at
 * any moment. Values are in clear there, as in every other file of credentials in that folder.
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import { Secret } from "../../../shared/secret.ts";
import { REDACTED } from "../file/redact.ts";
import { underLock } from "../write/lock.ts";
import { isForeign, replaceFile } from "../write/replace.ts";
import { readPrivate, type SecretFault } from "./file.ts";
import { secretStoreFile } from "./store-file.ts";

/** UTF-8 bytes of one value: a service account is a few thousand. Source: OpenClaw. */
export const MAX_SECRET_BYTES = 65_536;
/** A gateway has a handful; all of them are read at each load. */
const MAX_ENTRIES = 256;
/** All values with what JSON makes of them, and room for names. */
const MAX_FILE_BYTES = 20 * 1024 * 1024;
const READ_TIMEOUT_MS = 5_000;

const Name = z.string().regex(/^[A-Z][A-Z0-9_]{0,127}$/);
const Entry = z.strictObject({
  value: z.string(),
  kind: z.enum(["secret", "env"]),
  createdAtMs: z.int().min(0),
  updatedAtMs: z.int().min(0),
  updatedBy: z.string().optional(),
});
const Document = z.strictObject({ version: z.literal(1), entries: z.record(Name, Entry) });
type Document = z.output<typeof Document>;

/** `secret`: never shown again. `env`: may be read back. */
export type EntryKind = z.output<typeof Entry>["kind"];

/** What may be told of an entry: of a secret, all but the secret. */
export interface StoreEntry {
  readonly name: string;
  readonly kind: EntryKind;
  /** Unix ms. */
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly updatedBy: string | undefined;
  /** Undefined for secrets. */
  readonly value: string | undefined;
}

export interface NewEntry {
  readonly name: string;
  readonly value: Secret;
  readonly kind: EntryKind;
  readonly updatedBy: string;
}

/** True for what an entry may be called. */
export function isSecretName(name: string): boolean {
  return Name.safeParse(name).success;
}

/** Why nothing can be stored under this name or with this value; undefined: it can. Pure. */
export function entryFault({ name, value, kind }: Omit<NewEntry, "updatedBy">): string | undefined {
  if (!isSecretName(name))
    return `${name.slice(0, 64)} is no name: upper case, like OPENAI_API_KEY`;
  const text = value.reveal();
  if (Buffer.byteLength(text) > MAX_SECRET_BYTES) {
    return `the value has more than ${MAX_SECRET_BYTES} bytes`;
  }
  if (text.includes(REDACTED)) return "the value is the mark of a secret that was not shown";
  if (kind === "secret" && text === "") return "a secret must not be empty";
  return undefined;
}

/** What a name says of its value when nobody else does. Source: OpenClaw. */
export function kindOf(name: string): EntryKind {
  const isSecret = /(?:^|_)(?:KEY|TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIALS?)$/.test(
    name,
  );
  return isSecret ? "secret" : "env";
}

/** The store of one state folder. */
export class SecretStore {
  readonly #file: string;
  readonly #uid: number | undefined;

  /** @param uid - Of this process; undefined where there are no user ids. */
  constructor(stateDir: string, uid: number | undefined) {
    this.#file = secretStoreFile(stateDir);
    this.#uid = uid;
  }

  get file(): string {
    return this.#file;
  }

  /** By name. @throws GatewayError forbidden when others could read the file, or it is none of ours. */
  async list(): Promise<readonly StoreEntry[]> {
    const { entries } = await this.#read();
    return Object.entries(entries)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, entry]) => ({
        name,
        kind: entry.kind,
        createdAtMs: entry.createdAtMs,
        updatedAtMs: entry.updatedAtMs,
        updatedBy: entry.updatedBy,
        value: entry.kind === "env" ? entry.value : undefined,
      }));
  }

  /** All values. An error says why they are not to be had. */
  async values(): Promise<Result<ReadonlyMap<string, Secret>, SecretFault>> {
    const read = await this.#tryRead();
    if (!read.ok) return read;
    const entries = Object.entries(read.value.entries);
    return ok(new Map(entries.map(([name, { value }]) => [name, new Secret(value)])));
  }

  /**
   * Adds or replaces entries, all of them or none.
   *
   * @param now - Unix ms.
   * @throws GatewayError invalid_request for what cannot be stored; forbidden as `list`.
   */
  async set(added: readonly NewEntry[], now: number): Promise<void> {
    const fault = added.map(entryFault).find((one) => one !== undefined);
    if (fault !== undefined) throw new GatewayError("invalid_request", fault);
    await this.#change(({ entries }) => {
      const all = new Map(Object.entries(entries));
      for (const { name, value, kind, updatedBy } of added) {
        const createdAtMs = all.get(name)?.createdAtMs ?? now;
        all.set(name, { value: value.reveal(), kind, createdAtMs, updatedAtMs: now, updatedBy });
      }
      return all;
    });
  }

  /** @returns Names that were there. @throws GatewayError forbidden */
  async remove(names: readonly string[]): Promise<readonly string[]> {
    let gone: readonly string[] = [];
    await this.#change(({ entries }) => {
      const all = new Map(Object.entries(entries));
      gone = names.filter((name) => all.delete(name));
      return all;
    });
    return gone;
  }

  async #change(
    work: (before: Document) => ReadonlyMap<string, z.output<typeof Entry>>,
  ): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
    if (await isForeign(this.#file)) {
      throw new GatewayError("forbidden", `${this.#file} is a link or no file: take it away`);
    }
    await underLock(`${this.#file}.lock`, async () => {
      const before = await this.#read();
      const entries = work(before);
      if (entries.size > MAX_ENTRIES) {
        throw new GatewayError("too_large", `the store holds at most ${MAX_ENTRIES} entries`);
      }
      const document = { version: 1, entries: Object.fromEntries(entries) };
      const text = `${JSON.stringify(document, null, 2)}\n`;
      if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
        throw new GatewayError("too_large", "the store is full: take out what is not used");
      }
      await replaceFile(this.#file, text);
    });
  }

  async #read(): Promise<Document> {
    const read = await this.#tryRead();
    if (read.ok) return read.value;
    throw new GatewayError("forbidden", `${this.#file}: ${read.error}`);
  }

  /** One that is not there has nothing in it. */
  async #tryRead(): Promise<Result<Document, SecretFault>> {
    const limits = { maxBytes: MAX_FILE_BYTES, timeoutMs: READ_TIMEOUT_MS, uid: this.#uid };
    const text = await readPrivate(this.#file, limits);
    if (!text.ok) return text;
    if (text.value === undefined) return ok({ version: 1, entries: {} });
    const document = parsed(text.value);
    return document === undefined ? err("its file is not what we wrote") : ok(document);
  }
}

function parsed(text: string): Document | undefined {
  try {
    return Document.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // the message of the parser quotes the text
  }
}

/** The entries of these names that there are; those that are not there are left out. */
export async function secretsOfStore(
  store: SecretStore,
  names: readonly string[],
): Promise<ReadonlyMap<string, Result<string, SecretFault>>> {
  const values = await store.values();
  if (!values.ok) return new Map(names.map((name) => [name, values]));
  return new Map(
    names.flatMap((name) => {
      const value = values.value.get(name);
      return value === undefined ? [] : [[name, usable(value)] as const];
    }),
  );
}

function usable(value: Secret): Result<string, SecretFault> {
  const text = value.reveal();
  if (text === "") return err("it is empty");
  return text.includes(REDACTED) ? err("it is the mark of a secret that was not shown") : ok(text);
}
