import type * as z from "zod";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { startTunnel } from "../../core/tunnel/dial.ts";
import type { Delivery, Fence, Tunnel, TunnelHandlers } from "../../core/tunnel/handlers.ts";
import type { TunnelSettings } from "../../core/tunnel/settings.ts";
import { randomToken } from "../../shared/bytes.ts";
import { digestOf } from "../../shared/constant-time.ts";
import { EdgeBundle, type Verifier } from "../../shared/edge-bundle.ts";
import type { Scope } from "../../shared/principal.ts";
import type { Secret } from "../../shared/secret.ts";

/** Published by default: one owner, one token for chats, and a webhook of each scheme. */
export const TOKENS = {
  operator: randomToken(),
  chat: randomToken(),
  hook: randomToken(),
  telegram: randomToken(),
} as const;

async function verifier(subject: string, token: string, scopes: Scope[]): Promise<Verifier> {
  return { digest: await digestOf(token), subject, scopes };
}

export async function aBundle(
  change: Partial<z.input<typeof EdgeBundle>> = {},
): Promise<EdgeBundle> {
  return EdgeBundle.parse({
    verifiers: [
      await verifier("owner", TOKENS.operator, ["operator"]),
      await verifier("guest", TOKENS.chat, ["chat"]),
    ],
    routes: [
      {
        name: "agent",
        verification: { scheme: "bearer", digests: [await digestOf(TOKENS.hook)] },
        maxBodyBytes: 1024,
      },
      {
        name: "telegram",
        verification: { scheme: "telegram", digests: [await digestOf(TOKENS.telegram)] },
        maxBodyBytes: 1024 * 1024,
      },
    ],
    rate: { perSecond: 1_000, burst: 5_000 },
    ...change,
  });
}

export interface TunnelCore extends AsyncDisposable {
  readonly tunnel: Tunnel;
  readonly deliveries: readonly Delivery[];
  /** What it logged, line by line. */
  readonly log: readonly string[];
  /** Resolves once a line of its log has `part` in it. */
  logged(part: string): Promise<void>;
  /** From now on it works. Only for one that was started with `lead: false`. */
  lead(fence?: Fence): void;
  /** Sends the bundle again; resolves when the edge has it. */
  republish(): Promise<void>;
  /** Resolves once so many have come. */
  delivered(count: number): Promise<void>;
}

export interface TunnelCoreOptions {
  readonly edge: URL;
  readonly pairing: Secret;
  readonly fetch?: TunnelHandlers["fetch"];
  readonly upgrade?: TunnelHandlers["upgrade"];
  /** Default: takes up every client as `upgrade` would. */
  readonly reattach?: TunnelHandlers["reattach"];
  readonly deliver?: TunnelHandlers["deliver"];
  readonly bundle?: () => EdgeBundle;
  /** Stands for the machine of a core: pass the same one again for a core that comes back. */
  readonly shelf?: Map<string, string>;
  /** Of the tunnel, beside what is above. */
  readonly settings?: Partial<TunnelSettings>;
  /** False: it stands by until `lead`. */
  readonly lead?: boolean;
}

/** What a core finds on its machine when it comes back. */
interface Machine {
  readonly stateDir: string;
  readonly store: string;
  epoch: number;
}

const machines = new WeakMap<object, Machine>();
const directories: string[] = [];
process.once("exit", () => {
  for (const path of directories) rmSync(path, { recursive: true, force: true });
});

/** The machine that `shelf` stands for: a state directory, and a store that counts its writers. */
export function machineOf(shelf: object): Machine {
  const known = machines.get(shelf);
  if (known !== undefined) return known;
  const stateDir = mkdtempSync(join(tmpdir(), "sallyport-tunnel-"));
  directories.push(stateDir);
  const machine = { stateDir, store: randomToken(), epoch: 0 };
  machines.set(shelf, machine);
  return machine;
}

/** The real core's end of the tunnel with a gateway of our choosing; the edge knows its bundle. */
export async function connectCore(options: TunnelCoreOptions): Promise<TunnelCore> {
  const deliveries: Delivery[] = [];
  const log: string[] = [];
  const events = new EventEmitter();
  const write = (line: string): void => {
    log.push(line);
    events.emit("line");
    if (line.includes("edge has our routes and tokens")) events.emit("published");
    if (line.includes("tunnel connected")) events.emit("connected");
  };
  const machine = machineOf(options.shelf ?? new Map<string, string>());
  const handlers = await handlersOf(options, (delivery) => {
    deliveries.push(delivery);
    events.emit("delivery");
  });
  const settings: TunnelSettings = {
    edge: options.edge,
    pairing: options.pairing,
    version: "0.0.0-test",
    stateDir: machine.stateDir,
    ...options.settings,
  };
  const lead = (fence?: Fence): void => {
    machine.epoch += 1;
    const { store, epoch } = machine;
    const shared = settings.mode === "shared";
    tunnel.lead(handlers, fence ?? (shared ? undefined : { store, epoch }));
  };
  const ready = once(events, options.lead === false ? "connected" : "published");
  const tunnel = await startTunnel(settings, pino({ level: "info" }, { write }));
  if (options.lead !== false) lead();
  await ready;
  return {
    tunnel,
    deliveries,
    log,
    async logged(part) {
      while (!log.some((line) => line.includes(part))) await once(events, "line");
    },
    lead,
    async republish() {
      const again = once(events, "published");
      tunnel.publish();
      await again;
    },
    async delivered(count) {
      while (deliveries.length < count) await once(events, "delivery");
    },
    [Symbol.asyncDispose]: () => tunnel[Symbol.asyncDispose](),
  };
}

async function handlersOf(
  options: TunnelCoreOptions,
  onDelivery: (delivery: Delivery) => void,
): Promise<TunnelHandlers> {
  const bundle = await aBundle();
  const upgrade: TunnelHandlers["upgrade"] =
    options.upgrade ??
    (() => Promise.resolve({ accepted: false, response: new Response("no", { status: 404 }) }));
  return {
    fetch: options.fetch ?? (() => Promise.resolve(new Response("hello from the core"))),
    upgrade,
    reattach: options.reattach ?? upgrade,
    deliver: async (delivery) => {
      const result = (await options.deliver?.(delivery)) ?? "committed";
      onDelivery(delivery);
      return result;
    },
    bundle: options.bundle ?? (() => bundle),
  };
}
