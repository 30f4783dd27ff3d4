import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { Failure } from "../../process/failure.ts";
import { PRIVATE_FILE, makePrivateDir, unusableStateDir } from "../../process/private-files.ts";

/** What the last deploy of a name was, so that the next need not be told again. No secrets. */
const DeployRecord = z.object({
  url: z.url().optional(),
  domain: z.string().optional(),
  relays: z.string().optional(),
  versionId: z.string().optional(),
  deployedAt: z.string().optional(),
});
export type DeployRecord = z.output<typeof DeployRecord>;

/** Where a deployment keeps its files; absolute. */
export interface DeployFolder {
  readonly path: string;
  readonly pairingFile: string;
  readonly sealKeyFile: string;
}

/** @throws Failure when it cannot be written to. */
export async function openDeployFolder(stateDir: string, name: string): Promise<DeployFolder> {
  const path = join(stateDir, "edge-deploy", name);
  const credentials = join(stateDir, "credentials");
  try {
    for (const dir of [path, credentials]) await makePrivateDir(dir);
  } catch (error) {
    throw new Failure(unusableStateDir(stateDir, error));
  }
  return {
    path,
    pairingFile: join(credentials, `edge-pairing-${name}`),
    sealKeyFile: join(credentials, `edge-seal-${name}`),
  };
}

/** Empty for a name that was never deployed from here, or whose record cannot be read any more. */
export async function readRecord({ path }: DeployFolder): Promise<DeployRecord> {
  try {
    return DeployRecord.parse(JSON.parse(await readFile(join(path, "deployment.json"), "utf8")));
  } catch {
    return {};
  }
}

export async function writeRecord(folder: DeployFolder, record: DeployRecord): Promise<void> {
  await writeJson(join(folder.path, "deployment.json"), record);
}

/** Renamed into place, readable for us alone. */
export async function writeJson(path: string, value: object): Promise<void> {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: PRIVATE_FILE });
  await rename(draft, path);
}
