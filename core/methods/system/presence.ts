/** Who is there: the gateway itself, its clients, and whoever tells it that they are. */
import type { ClientInfo } from "../method.ts";

/** What somebody says of themselves; all of it for people. */
export interface PresenceEntry {
  readonly host?: string | undefined;
  readonly ip?: string | undefined;
  readonly version?: string | undefined;
  readonly platform?: string | undefined;
  readonly deviceFamily?: string | undefined;
  readonly modelIdentifier?: string | undefined;
  readonly mode?: string | undefined;
  readonly lastInputSeconds?: number | undefined;
  readonly reason?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly text?: string | undefined;
  readonly deviceId?: string | undefined;
  readonly instanceId?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly scopes?: readonly string[] | undefined;
  /** Unix ms of the last sign of life. */
  readonly ts: number;
}

/** Whoever has said that they are there and says no more is forgotten. */
const SILENT_MS = 5 * 60_000;
/** More than a team has devices; the longest silent goes first. */
const MAX_ENTRIES = 200;
/** Clients that come for one question and go: nobody is there behind them. */
const PASSING_MODES: ReadonlySet<string> = new Set(["cli", "probe", "backend"]);

interface Known {
  readonly entry: PresenceEntry;
  /** Connections it has; none: it only said so. */
  readonly connections: ReadonlySet<string>;
}

export class PresenceRegistry {
  readonly #self: PresenceEntry;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  #known = new Map<string, Known>();
  #version = 1;

  /** @param self - The gateway. */
  constructor(self: Omit<PresenceEntry, "ts">, now: () => number) {
    this.#self = { ...self, ts: now() };
    this.#now = now;
  }

  /** Calls back when somebody came, went or said something new, until it is disposed. */
  watch(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Counts the changes. */
  get version(): number {
    return this.#version;
  }

  /** The gateway first, then the latest. */
  list(): PresenceEntry[] {
    const now = this.#now();
    for (const [key, { entry, connections }] of this.#known) {
      if (connections.size === 0 && now - entry.ts > SILENT_MS) this.#known.delete(key);
    }
    const others = [...this.#known.values()].map(({ entry, connections }) =>
      connections.size > 0 ? { ...entry, ts: now } : entry,
    );
    return [{ ...this.#self, ts: now }, ...others.toSorted((a, b) => b.ts - a.ts)];
  }

  join(client: ClientInfo): void {
    if (PASSING_MODES.has(client.mode)) return;
    const key = keyOf(client);
    const { connections = new Set<string>() } = this.#known.get(key) ?? {};
    this.#put(key, {
      entry: entryOf(client, this.#now()),
      connections: new Set([...connections, client.connection]),
    });
  }

  leave(client: ClientInfo): void {
    const key = keyOf(client);
    const known = this.#known.get(key);
    if (known === undefined || !known.connections.has(client.connection)) return;
    const connections = new Set([...known.connections].filter((id) => id !== client.connection));
    if (connections.size > 0) {
      this.#put(key, { ...known, connections });
      return;
    }
    this.#known.delete(key);
    this.#changed();
  }

  /** What a node says of itself. */
  note(said: Omit<PresenceEntry, "ts">): void {
    const key = said.deviceId ?? said.instanceId ?? said.host ?? said.text ?? "";
    const known = this.#known.get(key);
    this.#put(key, {
      entry: { ...known?.entry, ...said, ts: this.#now() },
      connections: known?.connections ?? new Set(),
    });
  }

  #put(key: string, known: Known): void {
    this.#known.delete(key);
    this.#known.set(key, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_ENTRIES && oldest !== undefined) this.#known.delete(oldest);
    this.#changed();
  }

  #changed(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }
}

function keyOf({ deviceId, instanceId, connection }: ClientInfo): string {
  return deviceId ?? instanceId ?? connection;
}

function entryOf(client: ClientInfo, ts: number): PresenceEntry {
  const { displayName, clientId, ip, version, platform, deviceFamily, mode } = client;
  const host = displayName ?? clientId;
  return {
    host,
    ip,
    version,
    platform,
    deviceFamily,
    mode,
    reason: "connect",
    deviceId: client.deviceId,
    instanceId: client.instanceId,
    roles: [client.role],
    scopes: client.scopes,
    text: `${host} (${ip}) · app ${version} · mode ${mode}`,
    ts,
  };
}
