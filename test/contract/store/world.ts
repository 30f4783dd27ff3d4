import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "../../../core/store/store.ts";
import type { NewOutboxItem, NewInboxItem } from "../../../core/store/entry.ts";

export interface StoreMaker {
  /** The state in `dir`: empty at first, and later what was left there. */
  open(dir: string): Promise<Store>;
  /** As `open`, but waits while another process has it; undefined once `signal` has aborted. */
  wait(dir: string, onBusy: () => void, signal: AbortSignal): Promise<Store | undefined>;
  /** Copies the state in `from`, which nobody has open, to the empty folder `to`. */
  copy(from: string, to: string): Promise<void>;
  /** `open` for `child.ts`, which runs as a process of its own. */
  readonly adapter: "sqlite";
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "sallyport-store-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export interface World extends AsyncDisposable {
  readonly store: Store;
  /** Closes the store and opens what it left. */
  reopen(): Promise<void>;
}

/** A store of its own for one test. */
export async function world(make: StoreMaker): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  let store = await make.open(folder.path);
  stack.defer(() => store[Symbol.asyncDispose]());
  const parts = stack.move();
  return {
    get store() {
      return store;
    },
    async reopen() {
      await store[Symbol.asyncDispose]();
      store = await make.open(folder.path);
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** A moment to begin with; no test looks at the clock on the wall. */
export const NOW = 1_790_000_000_000;

export function item(id: string, lane = "lane", payload: unknown = { id }): NewInboxItem {
  return { id, source: "hook", lane, payload, receivedAt: NOW };
}

export function piece(id: string, conversation = "chat"): NewOutboxItem {
  return { id, channel: "telegram", conversation, text: `text of ${id}` };
}

/** Takes what may be begun and gives the ids. */
export async function takeIds(store: Store, limit = 100, now = NOW): Promise<string[]> {
  return (await store.take(limit, now)).map(({ id }) => id);
}

export async function unsentIds(store: Store, limit = 100, now = NOW): Promise<string[]> {
  return (await store.unsent(limit, now)).map(({ id }) => id);
}

/** Brings a reply into the outbox the only way there is: as the end of an item. */
export async function reply(store: Store, ...pieces: NewOutboxItem[]): Promise<void> {
  const id = `for ${pieces.map((one) => one.id).join(" and ")}`;
  await store.keep([item(id, id)]);
  await store.take(100, NOW);
  await store.finish(id, pieces);
}
