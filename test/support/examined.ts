/** A machine to be examined: a state folder of its own and a config, and whatever stands around it. */
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, request } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callGateway } from "../../core/cli/client.ts";
import { pidsOnPort } from "../../core/cli/gateway/port-holders.ts";
import type { Examination } from "../../core/doctor/examine/examination.ts";
import { examine } from "../../core/doctor/examine/examine.ts";
import type { CheckId, Finding } from "../../core/doctor/verdicts/finding.ts";
import { Report } from "../../core/doctor/report.ts";

export interface Findings {
  /** Status and detail: what a person reads first. */
  of(id: CheckId): string;
  readonly list: readonly Finding[];
  readonly isWell: boolean;
}

export interface Machine extends AsyncDisposable {
  readonly stateDir: string;
  examine(options?: Partial<Examination>): Promise<Findings>;
}

/** @param config - What `openclaw.json` says; as text when it is meant to be broken. */
export async function createMachine(config: object | string): Promise<Machine> {
  const stateDir = await mkdtemp(join(tmpdir(), "sallyport-examined-"));
  await chmod(stateDir, 0o700);
  const text = typeof config === "string" ? config : JSON.stringify(config);
  await writeFile(join(stateDir, "openclaw.json"), text, { mode: 0o600 });
  return {
    stateDir,
    examine: (options) => run(stateDir, options),
    [Symbol.asyncDispose]: () => rm(stateDir, { recursive: true }),
  };
}

async function run(stateDir: string, options: Partial<Examination> = {}): Promise<Findings> {
  const report = new Report(() => undefined);
  await examine(
    {
      surroundings: {
        env: { OPENCLAW_STATE_DIR: stateDir },
        cwd: stateDir,
        home: stateDir,
        uid: process.getuid?.(),
        flags: {},
      },
      url: undefined,
      port: await closedPort(),
      token: undefined,
      edge: undefined,
      timeoutMs: 5_000,
      deep: false,
      version: "1",
      call: callGateway,
      portHolders: pidsOnPort,
      now: Date.now,
      ...options,
    },
    report,
  );
  return {
    of(id) {
      const found = report.findings.find((finding) => finding.id === id);
      return found === undefined ? "missing" : `${found.status}: ${found.detail}`;
    },
    list: report.findings,
    isWell: report.isWell,
  };
}

/** One that nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP address");
  return address.port;
}

export interface StrippingProxy extends AsyncDisposable {
  readonly url: URL;
}

/** A reverse proxy that nobody told of WebSockets: it passes on all but the hop-by-hop headers. */
export async function startStrippingProxy(target: URL): Promise<StrippingProxy> {
  const server = createHttpServer((incoming, outgoing) => {
    const { connection: _hop, upgrade: _stripped, ...headers } = incoming.headers;
    const { port, hostname: host } = target;
    const { method, url: path } = incoming;
    const passed = request({ port, host, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: new URL(`http://127.0.0.1:${portOf(server)}`),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
