import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { loadSettings } from "../../core/config/resolve.ts";
import type { LoadSettings } from "../../core/gateway/lifecycle/reload.ts";
import { type Gateway, startGateway } from "../../core/gateway/lifecycle/start.ts";
import { type GatewaySocket, openGatewaySocket } from "./gateway-socket.ts";

export const GATEWAY_TOKEN = "a-gateway-token-of-some-length";

export interface GatewayWorld extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly url: string;
  readonly home: string;
  /** What it logged, parsed. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** As somebody at `ip`, behind a proxy that the gateway trusts; undefined: directly. Ends with the world. */
  open(ip?: string, headers?: Readonly<Record<string, string>>): Promise<GatewaySocket>;
  /** Writes the config anew; the gateway follows it. */
  write(config: object): Promise<void>;
}

/** A whole gateway in this process: real store, real port, the built-in model. */
export async function startGatewayWorld(
  config: object = {},
  env: Readonly<Record<string, string>> = {},
): Promise<GatewayWorld> {
  await using parts = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "gateway-world-"));
  parts.defer(() => rm(home, { recursive: true }));
  const write = async (next: object): Promise<void> => {
    await mkdir(join(home, ".openclaw"), { recursive: true, mode: 0o700 });
    await writeFile(join(home, ".openclaw", "openclaw.json"), JSON.stringify(next));
  };
  await write(config);
  const load: LoadSettings = () =>
    loadSettings({
      env: { OPENCLAW_GATEWAY_PORT: "0", ...env },
      cwd: home,
      home,
      uid: process.getuid?.(),
      flags: {},
    });
  const loaded = await load();
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const log: Record<string, unknown>[] = [];
  const logger = pino({ level: "debug" }, { write: (line) => void log.push(JSON.parse(line)) });
  const gateway = parts.use(await startGateway(loaded.value, logger, load));
  const all = parts.move();
  return {
    gateway,
    url: gateway.url,
    home,
    log,
    write,
    fetch: (path, init) => fetch(`${gateway.url}${path}`, init),
    async open(ip, headers = {}) {
      const said = ip === undefined ? headers : { ...headers, "X-Forwarded-For": ip };
      return all.use(await openGatewaySocket(gateway.url, { headers: said }));
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
