import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { loadSettings } from "../../core/config/resolve.ts";
import type { LoadSettings } from "../../core/gateway/lifecycle/reload.ts";
import { type Gateway, startGateway } from "../../core/gateway/lifecycle/start.ts";
import { createLog } from "../../core/log.ts";
import { connectFrame, type GatewaySocket, openGatewaySocket } from "./gateway-socket.ts";

const TOKEN = "a-gateway-token-of-some-length";
const HEADERS = { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" };

const Line = z.looseObject({ msg: z.string() });
type Line = z.output<typeof Line>;

export interface RestartWorld extends AsyncDisposable {
  readonly gateway: Gateway;
  /** The config file. */
  readonly file: string;
  write(config: object): Promise<void>;
  /** Resolves with the first line that says `msg`, from the last call on. */
  logged(msg: string): Promise<Line>;
  /** How often a line that says `msg` has been logged since the last call of `logged`. */
  count(msg: string): number;
  post(path: string, body: object): Promise<Response>;
  ask(path: string, url?: string): Promise<Response>;
  /** One turn over HTTP. */
  turn(text: string): Promise<Response>;
  /** An administrator through its handshake. */
  open(): Promise<GatewaySocket>;
}

/** A whole gateway that follows its config file. */
export async function restartWorld(config: object): Promise<RestartWorld> {
  await using parts = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "gateway-"));
  parts.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  const file = join(home, ".openclaw", "openclaw.json");
  await mkdir(join(home, ".openclaw"), { mode: 0o700 });
  const write = (changed: object): Promise<void> => writeFile(file, JSON.stringify(changed));
  await write(config);
  const env = { OPENCLAW_GATEWAY_TOKEN: TOKEN };
  const uid = process.getuid?.();
  const load: LoadSettings = (adjust) =>
    loadSettings({ env, cwd: home, home, uid, flags: {}, adjust });
  const loaded = await load();
  if (!loaded.ok) throw new Error(loaded.error.reason);
  const lines: Line[] = [];
  let wake = Promise.withResolvers<void>();
  const log = createLog("info", {
    write(text: string) {
      lines.push(Line.parse(JSON.parse(text)));
      wake.resolve();
      wake = Promise.withResolvers();
    },
  });
  const gateway = parts.use(await startGateway(loaded.value, log, load));
  const post = (path: string, body: object): Promise<Response> =>
    fetch(`${gateway.url}${path}`, {
      method: "POST",
      headers: HEADERS,
      body: JSON.stringify(body),
    });
  const all = parts.move();
  return {
    gateway,
    file,
    write,
    async logged(msg) {
      for (;;) {
        const index = lines.findIndex((line) => line.msg === msg);
        const [found] = index < 0 ? [] : lines.splice(0, index + 1).slice(-1);
        if (found !== undefined) return found;
        await wake.promise;
      }
    },
    count: (msg) => lines.filter((line) => line.msg === msg).length,
    post,
    ask: (path, url = gateway.url) => fetch(`${url}${path}`, { headers: HEADERS }),
    turn: (text) =>
      post("/v1/chat/completions", {
        model: "openclaw",
        messages: [{ role: "user", content: text }],
      }),
    async open() {
      const socket = all.use(await openGatewaySocket(gateway.url));
      await socket.frame({ event: "connect.challenge" });
      socket.send(connectFrame({ auth: { token: TOKEN }, scopes: ["operator.admin"] }));
      await socket.frame({ type: "res" });
      return socket;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
