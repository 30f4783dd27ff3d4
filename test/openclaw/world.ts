import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { reply } from "../support/fake-model.ts";
import { startFakeOpenAi } from "../support/fake-openai.ts";
import { freePort } from "../support/free-port.ts";
import {
  cli,
  type CliResult,
  createCertificate,
  homeOf,
  install,
  readyOf,
  ROOT,
  START_MS,
  startEdge,
  writeConfig,
} from "./installation.ts";
import { type Program, start, until } from "./processes.ts";

/** What the model answers to everything: OpenClaw adds to what people say before it asks. */
export const MODEL_SAYS = "The quick brown fox has read this and answers in nine words";

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
    const args = [join(ROOT, "core/sallyport.mjs"), "connect", "--json"];
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

async function isReady(direct: URL): Promise<true | undefined> {
  return (await fetch(new URL("/readyz", direct))).ok || undefined;
}
