import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { reply } from "../support/fake-model.ts";
import { startFakeOpenAi } from "../support/fake-openai.ts";
import { freePort } from "../support/free-port.ts";
import { type Program, start, until } from "./processes.ts";

const VERSION = "2026.9.6";
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** 650 MB from a registry that may be far. */
const INSTALL_MS = 900_000;
/** A cold start takes 12 to 20 seconds on two cores. */
const START_MS = 120_000;

/** What the model answers to everything: OpenClaw adds to what people say before it asks. */
export const MODEL_SAYS = "The quick brown fox has read this and answers in nine words";

const run = promisify(execFile);

/** A real OpenClaw with a model of ours, behind a real edge with TLS. */
export interface World {
  /** Of the edge; its certificate is in `certificate`. */
  readonly url: URL;
  /** OpenClaw itself. */
  readonly direct: URL;
  /** Opens the edge. */
  readonly token: string;
  /** Opens OpenClaw; nobody but the connector and the direct comparison uses it. */
  readonly openclawToken: string;
  readonly hooksToken: string;
  readonly certificate: string;
  readonly folder: string;
  /** Runs OpenClaw's own program as somebody whose config is `config`. */
  cli(config: object, args: readonly string[]): Promise<CliResult>;
  /** Ends the connector and starts another; resolves to the first one's exit code. */
  restartConnector(): Promise<number | null>;
  readonly installMs: number;
  readonly startMs: number;
}

export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly ms: number;
}

/** @param parts - Ends what is started here. */
export async function createWorld(parts: AsyncDisposableStack): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-openclaw-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const { program, installMs } = await install(folder);
  const [openclawToken, hooksToken] = [randomToken(), randomToken()];
  const [port, edgePort] = [await freePort(), await freePort()];
  const url = new URL(`https://localhost:${edgePort}`);
  const direct = new URL(`http://127.0.0.1:${port}`);

  const model = parts.use(await startFakeOpenAi());
  model.always(reply(MODEL_SAYS, { wordDelayMs: 20 }));
  const state = join(folder, "openclaw");
  const config = openclawConfig({ port, openclawToken, hooksToken, model: model.baseUrl, url });
  await writeConfig(state, config);
  const begunAt = performance.now();
  parts.use(start(process.execPath, [program, "gateway", "run"], { env: homeOf(state) }));
  await until("OpenClaw", () => isReady(direct), START_MS);
  const startMs = performance.now() - begunAt;

  const certificate = await createCertificate(folder);
  const edge = parts.use(startEdge(folder, url, certificate));
  const { pairingFile } = await edge.line((line) =>
    readyOf(z.object({ pairingFile: z.string() }), line),
  );
  const env = {
    ...homeOf(join(folder, "core")),
    NODE_EXTRA_CA_CERTS: certificate,
    SALLYPORT_EDGE_PAIRING: (await readFile(pairingFile, "utf8")).trim(),
    SALLYPORT_UPSTREAM_TOKEN: openclawToken,
  };
  await writeConfig(join(folder, "core"), {
    hooks: { enabled: true, token: hooksToken },
    sallyport: {
      edge: { url: url.origin },
      upstream: { url: direct.origin, translate: "openclaw" },
    },
  });
  const connectors: Program[] = [];
  parts.defer(async () => void (await connectors.at(-1)?.stop()));
  const connect = async (): Promise<string> => {
    const args = [join(ROOT, "core/main.ts"), "connect", "--json"];
    const connector = start(process.execPath, args, { env });
    connectors.push(connector);
    const Ready = z.object({ token: z.object({ path: z.string() }) });
    const { token } = await connector.line((line) => readyOf(Ready, line));
    return (await readFile(token.path, "utf8")).trim();
  };
  const token = await connect();
  return {
    url,
    direct,
    token,
    openclawToken,
    hooksToken,
    certificate,
    folder,
    installMs,
    startMs,
    cli: (given, args) => cli(program, join(folder, "client"), certificate, given, args),
    async restartConnector() {
      const code = (await connectors.at(-1)?.stop()) ?? null;
      await connect();
      return code;
    },
  };
}

/** A folder given in OPENCLAW_DIR is used again: it saves the download. */
async function install(folder: string): Promise<{ program: string; installMs: number }> {
  const dir = process.env["OPENCLAW_DIR"] ?? join(folder, "package");
  const program = join(dir, "node_modules/openclaw/openclaw.mjs");
  if (existsSync(program)) return { program, installMs: 0 };
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "package.json"), '{"private":true}');
  const begunAt = performance.now();
  const args = ["install", `openclaw@${VERSION}`, "--no-audit", "--no-fund"];
  await run("npm", args, { cwd: dir, timeout: INSTALL_MS, maxBuffer: 64 * 1024 * 1024 });
  return { program, installMs: performance.now() - begunAt };
}

interface OpenclawSettings {
  readonly port: number;
  readonly openclawToken: string;
  readonly hooksToken: string;
  /** Base URL of the model's vendor. */
  readonly model: string;
  readonly url: URL;
}

function openclawConfig({ port, openclawToken, hooksToken, model, url }: OpenclawSettings): object {
  return {
    gateway: {
      mode: "local",
      port,
      bind: "loopback",
      auth: { mode: "token", token: openclawToken },
      http: { endpoints: { chatCompletions: { enabled: true } } },
      // It compares a page's origin with its own address, which is not the one people see.
      controlUi: { allowedOrigins: [url.origin] },
    },
    hooks: { enabled: true, token: hooksToken },
    agents: { defaults: { model: "fake/echo" } },
    models: {
      providers: {
        fake: {
          baseUrl: model,
          apiKey: "sk-test",
          api: "openai-completions",
          models: [{ id: "echo", name: "Echo", contextWindow: 200_000, maxTokens: 8_192 }],
        },
      },
    },
  };
}

function startEdge(folder: string, url: URL, certificate: string): Program {
  const fixed = `serve --json --host 127.0.0.1 --port ${url.port} --url ${url.origin}`.split(" ");
  const args = [join(ROOT, "infra/edge/main.ts"), ...fixed, "--storage", join(folder, "edge")];
  args.push("--tls-cert", certificate, "--tls-key", join(folder, "key.pem"));
  return start(process.execPath, args, { env: homeOf(join(folder, "edge-home")), cwd: ROOT });
}

/** Runs the program once, with nothing of this machine's own settings. */
async function cli(
  program: string,
  state: string,
  certificate: string,
  config: object,
  args: readonly string[],
): Promise<CliResult> {
  await writeConfig(state, config);
  const env = { ...homeOf(state), NODE_EXTRA_CA_CERTS: certificate };
  const begunAt = performance.now();
  const result = await run(process.execPath, [program, ...args], { env, timeout: START_MS }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout + stderr }),
    (error: { code?: number; stdout?: string; stderr?: string }) => ({
      code: error.code ?? -1,
      out: `${error.stdout ?? ""}${error.stderr ?? ""}`,
    }),
  );
  return { ...result, ms: performance.now() - begunAt };
}

function homeOf(state: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: state,
    OPENCLAW_STATE_DIR: state,
    OPENCLAW_CONFIG_PATH: join(state, "openclaw.json"),
  };
}

async function writeConfig(state: string, config: object): Promise<void> {
  await mkdir(state, { recursive: true, mode: 0o700 });
  await writeFile(join(state, "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
}

/** For `localhost`, by an authority that is the certificate itself. */
async function createCertificate(folder: string): Promise<string> {
  const [certificate, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
  const named = "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1";
  const files = ["-keyout", key, "-out", certificate];
  await run("openssl", [...made.split(" "), ...named.split(" "), ...files]);
  return certificate;
}

async function isReady(direct: URL): Promise<true | undefined> {
  return (await fetch(new URL("/readyz", direct))).ok || undefined;
}

function readyOf<T>(schema: z.ZodType<T>, line: string): T | undefined {
  if (!line.startsWith('{"event":"ready"')) return undefined;
  return schema.parse(JSON.parse(line));
}
