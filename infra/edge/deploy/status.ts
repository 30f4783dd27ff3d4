import * as z from "zod";
import { readWrangler } from "../../cloudflare/settings.ts";
import { Failure } from "../../process/failure.ts";
import type { Io } from "../io.ts";
import type { DeploymentOptions } from "../options.ts";
import { requireAccount } from "./account.ts";
import { explainFailure, reasonOf } from "./explain.ts";
import { askHealth } from "./health-check.ts";
import { openDeployFolder, readRecord } from "./record.ts";
import { runWrangler } from "./wrangler.ts";

const Deployed = z.object({
  created_on: z.string(),
  versions: z.array(z.object({ version_id: z.string(), percentage: z.number() })),
});

/**
 * `sallyport edge status`: what Cloudflare runs under this name, and whether it answers.
 *
 * @returns The exit code: 0 when it answers.
 * @throws Failure
 */
export async function runStatus(options: DeploymentOptions, io: Io): Promise<number> {
  const name = options.name ?? (await readWrangler()).name;
  requireAccount(io.env, io.place.home);
  const folder = await openDeployFolder(options.stateDir, name);
  const { url } = await readRecord(folder);
  const signal = io.stopping();
  const [result, health] = await Promise.all([
    runWrangler({
      args: ["deployments", "status", "--name", name, "--json"],
      cwd: folder.path,
      env: io.env,
      interactive: false,
      onLine: () => {},
      signal,
      collect: true,
    }),
    askedAt(options.checkUrl ?? url, signal),
  ]);
  if (result.code !== 0) {
    const reason = reasonOf({ ...result, tail: `${result.tail}${result.stdout}` });
    throw new Failure(explainFailure(`asking for the deployment of "${name}"`, reason));
  }
  const deployed = Deployed.parse(JSON.parse(result.stdout));
  const versions = deployed.versions.map((one) => ({
    id: one.version_id,
    percentage: one.percentage,
  }));
  const facts = { name, url: url ?? null, deployedAt: deployed.created_on, versions };
  if (options.json) io.out(`${JSON.stringify({ ...facts, ...healthFacts(health) })}\n`);
  else io.out(statusText(facts, health));
  return health?.ok === false ? 1 : 0;
}

type Health = Awaited<ReturnType<typeof askHealth>> | undefined;

async function askedAt(url: string | undefined, signal: AbortSignal): Promise<Health> {
  return url === undefined ? undefined : askHealth(url, signal);
}

function healthFacts(health: Health): object {
  if (health === undefined) return { live: null };
  if (!health.ok) return { live: false, reason: health.error };
  return { live: true, core: health.value.core, edge: health.value.edge };
}

interface StatusFacts {
  readonly name: string;
  readonly url: string | null;
  readonly deployedAt: string;
  readonly versions: readonly { readonly id: string; readonly percentage: number }[];
}

function statusText({ name, url, deployedAt, versions }: StatusFacts, health: Health): string {
  const shares = versions.map(({ id, percentage }) =>
    percentage === 100 ? id : `${id} (${percentage} %)`,
  );
  return `
  Name      ${name}
  URL       ${url ?? "not deployed from here: name it with --check-url"}
  Version   ${shares.join(", ")}
  Deployed  ${deployedAt}
  Live      ${liveText(health)}

`;
}

function liveText(health: Health): string {
  if (health === undefined) return "not asked";
  if (!health.ok) return `no: ${health.error}`;
  return `yes, ${health.value.core.connected ? "with a core connected" : "no core is connected"}`;
}
