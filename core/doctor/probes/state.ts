import { constants } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { GatewayError } from "../../../shared/errors.ts";
import type { Settings } from "../../config/settings.ts";
import { refuseForeignState } from "../../gateway/lifecycle/foreign-state.ts";
import { logPattern } from "../../log-file.ts";
import type { LogFacts } from "../verdicts/kept-files.ts";

/** What a write leaves behind that was killed. */
const DRAFT = /\.\d+\.[0-9a-f-]{36}\.tmp$/;
/** A write takes milliseconds: what is older is of one that is gone. */
const OLD_MS = 3_600_000;

/** Earlier versions of the config, newest first. */
export async function lookForBackups(configPath: string): Promise<string[]> {
  const name = basename(configPath);
  const names = await readdir(dirname(configPath)).catch(() => []);
  return names
    .filter((one) => one.startsWith(`${name}.`) && /\.(?:bak(?:\.\d)?|last-good)$/.test(one))
    .toSorted();
}

/** Absolute. @param now - Unix ms. */
export async function lookForDrafts(stateDir: string, now: number): Promise<string[]> {
  const names = await readdir(stateDir).catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => DRAFT.test(name))
      .map(async (name) => {
        const file = join(stateDir, name);
        const facts = await stat(file).catch(() => undefined);
        return facts !== undefined && now - facts.mtimeMs > OLD_MS ? [file] : [];
      }),
  );
  return found.flat();
}

/** Why a gateway would not start on it; undefined: it would. */
export async function foreignState(stateDir: string): Promise<string | undefined> {
  try {
    await refuseForeignState(stateDir);
    return undefined;
  } catch (error) {
    if (error instanceof GatewayError) return error.message;
    throw error;
  }
}

/** @param home - What `~` stands for. */
export async function lookForLogs({ stateDir, config }: Settings, home: string): Promise<LogFacts> {
  const pattern = logPattern(stateDir, config.logging.file, home);
  if (pattern === undefined) {
    return { folder: undefined, isWritable: true, files: 0, bytes: 0 };
  }
  const folder = dirname(pattern);
  const names = await readdir(folder).catch(() => undefined);
  // It is made on the first start.
  const looked = names === undefined ? dirname(folder) : folder;
  const isWritable = await access(looked, constants.W_OK).then(
    () => true,
    () => false,
  );
  const sizes = await Promise.all(
    (names ?? [])
      .filter((name) => name.endsWith(".log"))
      .map((name) =>
        stat(join(folder, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return { folder, isWritable, files: sizes.length, bytes };
}
