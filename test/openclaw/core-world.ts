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
  startEdge,
  writeConfig,
} from "./installation.ts";
import { start } from "./processes.ts";

/** What the model answers to everything. */
export const CORE_SAYS = "Nine quick words of ours that no other says";

/** How the program reaches the core. */
export type Way = "directly" | "through the edge";

/** A core of ours with an edge of ours before it, and OpenClaw's own program on a laptop. */
export interface CoreWorld {
  /** Runs the program as somebody who has set up this gateway, and nothing else. */
  cli(way: Way, args: readonly string[], token?: string): Promise<CliResult>;
}

/** @param parts - Ends what is started here. */
export async function createCoreWorld(parts: AsyncDisposableStack): Promise<CoreWorld> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-openclaw-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const { program } = await install(folder);
  const [port, edgePort] = [await freePort(), await freePort()];
  const url = new URL(`https://localhost:${edgePort}`);
  const model = parts.use(await startFakeOpenAi());
  model.always(reply(CORE_SAYS, { wordDelayMs: 20 }));
  const certificate = await createCertificate(folder);
  const edge = parts.use(startEdge(folder, url, certificate));
  const { pairingFile } = await edge.line((line) =>
    readyOf(z.object({ pairingFile: z.string() }), line),
  );
  const token = randomToken();
  const state = join(folder, "core");
  await writeConfig(state, {
    gateway: { mode: "local", port, auth: { token } },
    agents: { defaults: { model: "fake/echo" } },
    models: {
      providers: {
        fake: {
          baseUrl: model.baseUrl,
          apiKey: "sk-test",
          api: "openai-completions",
          models: [{ id: "echo", name: "Echo", contextWindow: 200_000, maxTokens: 8_192 }],
        },
      },
    },
    sallyport: { edge: { url: url.origin } },
  });
  const env = {
    ...homeOf(state),
    NODE_EXTRA_CA_CERTS: certificate,
    SALLYPORT_EDGE_PAIRING: (await readFile(pairingFile, "utf8")).trim(),
  };
  const args = [join(ROOT, "core/sallyport.mjs"), "gateway", "--json"];
  const core = parts.use(start(process.execPath, args, { env }));
  await core.line((line) => readyOf(z.object({ url: z.string() }), line));
  const addresses = { directly: `ws://127.0.0.1:${port}`, "through the edge": `wss://${url.host}` };
  return {
    cli(way, words, shown = token) {
      const config = {
        gateway: { mode: "remote", remote: { url: addresses[way], token: shown } },
      };
      return cli(program, join(folder, "laptop"), certificate, config, words);
    },
  };
}
