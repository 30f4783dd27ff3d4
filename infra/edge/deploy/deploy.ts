import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleEdge } from "../../cloudflare/bundle.ts";
import { readWrangler } from "../../cloudflare/settings.ts";
import { oneLine } from "../../terminal/one-line.ts";
import { Failure } from "../../process/failure.ts";
import type { Io } from "../io.ts";
import type { DeployOptions } from "../options.ts";
import { connectCommands, connectText } from "../print.ts";
import {
  PRIVATE_FILE,
  type PairingFile,
  openPairing,
  openSealKey,
} from "../../process/private-files.ts";
import { requireAccount } from "./account.ts";
import { deployConfig } from "./config.ts";
import { explainFailure, reasonOf } from "./explain.ts";
import { waitForHealth } from "./health-check.ts";
import { publicUrl } from "./outcome.ts";
import {
  type DeployFolder,
  type DeployRecord,
  openDeployFolder,
  readRecord,
  writeJson,
  writeRecord,
} from "./record.ts";
import { type WranglerResult, runWrangler } from "./wrangler.ts";

/**
 * `sallyport edge deploy`: bundle, secrets, bindings and migrations go up as one version, and it is
 * done when the edge answers at its public address.
 *
 * @returns The exit code.
 * @throws Failure
 */
export async function runDeploy(options: DeployOptions, io: Io): Promise<number> {
  const settings = await readWrangler();
  const name = options.name ?? settings.name;
  if (!options.dryRun) requireAccount(io.env, io.place.home);
  const folder = await openDeployFolder(options.stateDir, name);
  const before = await readRecord(folder);
  const domain = options.domain ?? before.domain;
  const relays = options.relays ?? before.relays;
  const pairing = await openPairing(folder.pairingFile);
  if (!pairing.ok) throw new Failure(pairing.error);
  const sealKey = await openSealKey(folder.sealKeyFile);
  if (!sealKey.ok) throw new Failure(sealKey.error);

  const main = await bundle(join(folder.path, "worker.js"));
  const config = join(folder.path, "wrangler.json");
  await writeJson(config, deployConfig(settings, { name, main, domain, relays }));
  const secrets = {
    PAIRING_SECRET: pairing.value.secret.reveal(),
    SEAL_KEY: sealKey.value.reveal(),
  };
  const result = await upload(options, { config, folder, secrets, io });
  if (result.code !== 0) {
    throw new Failure(explainFailure("the deploy", reasonOf(result)));
  }
  if (options.dryRun) {
    io.err("Nothing was sent: this was a dry run.");
    if (options.json) io.out(`${JSON.stringify({ event: "checked", name, config })}\n`);
    return 0;
  }
  const url = publicUrl(result, domain) ?? before.url;
  if (url === undefined) {
    throw new Failure("deployed, but Cloudflare gave it no address: deploy with --domain");
  }
  const record = { url, domain, relays, versionId: result.versionId };
  await writeRecord(folder, { ...record, deployedAt: new Date().toISOString() });
  await checkHealth(url, options, io);
  announce({ name, record: { ...record, url }, pairing: pairing.value }, options, io);
  return 0;
}

async function bundle(path: string): Promise<string> {
  try {
    return (await bundleEdge(path)).path;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(`the edge does not compile: ${oneLine(reason)}`, 1, error);
  }
}

interface Upload {
  readonly config: string;
  readonly folder: DeployFolder;
  readonly secrets: Readonly<Record<string, string>>;
  readonly io: Io;
}

async function upload(options: DeployOptions, { config, folder, secrets, io }: Upload) {
  const { json, dryRun, message } = options;
  // A file, because any process of the user could list an argument; gone when it has been read.
  const hidden = await mkdtemp(join(tmpdir(), "sallyport-secrets-"));
  try {
    const file = join(hidden, "secrets.json");
    await writeFile(file, JSON.stringify(secrets), { mode: PRIVATE_FILE });
    const args = ["deploy", "--config", config, "--secrets-file", file];
    if (message !== undefined) args.push("--message", message);
    if (dryRun) args.push("--dry-run");
    const result: WranglerResult = await runWrangler({
      args,
      cwd: folder.path,
      env: io.env,
      interactive: !json && io.isTerminal,
      onLine: (line) => io.err(line),
      signal: io.stopping(),
    });
    return result;
  } finally {
    await rm(hidden, { recursive: true });
  }
}

/** @throws Failure when it does not come up. */
export async function checkHealth(
  url: string,
  options: Pick<DeployOptions, "checkUrl" | "checkMs">,
  io: Io,
): Promise<void> {
  const asked = options.checkUrl ?? url;
  io.err(`Waiting for ${asked}/health …`);
  const health = await waitForHealth(asked, options.checkMs, io.stopping());
  if (health.ok) return;
  throw new Failure(
    `deployed, but ${asked}/health does not answer as it should: ${health.error}. A new address takes a few minutes: try npx sallyport edge status`,
  );
}

interface Done {
  readonly name: string;
  readonly record: DeployRecord & { readonly url: string };
  readonly pairing: PairingFile;
}

function announce({ name, record, pairing }: Done, { json }: DeployOptions, io: Io): void {
  const { url, versionId } = record;
  const reachable = { url, pairingFile: pairing.path };
  if (json) {
    const facts = { event: "deployed", name, url, versionId, pairingFile: pairing.path };
    io.out(`${JSON.stringify({ ...facts, connect: connectCommands(reachable) })}\n`);
    return;
  }
  io.out(
    `\nThe edge is deployed and answers.\n\n  URL       ${url}\n  Version   ${versionId ?? "?"}\n\n${connectText(reachable)}`,
  );
}
