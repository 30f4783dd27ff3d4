import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configErrorText } from "../../core/config/issues/error.ts";
import { loadSettings } from "../../core/config/resolve.ts";
import type { Settings } from "../../core/config/settings.ts";
import { type LoadSettings, Reloader } from "../../core/gateway/lifecycle/reload.ts";
import { GATEWAY_EFFECTS } from "../../core/gateway/lifecycle/reload-plan.ts";
import { createLog } from "../../core/log.ts";

export interface ReloadWorld extends AsyncDisposable {
  readonly reloader: Reloader;
  /** The settings that run. */
  readonly running: () => Settings;
  readonly applied: () => number;
  readonly restarted: () => number;
  /** How often it was said that the config needs no restart. */
  readonly unneeded: () => number;
  /** Whether restarts have to wait. */
  readonly putOff: (puts: boolean) => void;
  /** Logged since the last call: level, sentence and facts. */
  readonly logged: () => Record<string, unknown>[];
  readonly load: LoadSettings;
  write(config: object | string): Promise<void>;
  writeVariables(text: string): Promise<void>;
  remove(): Promise<void>;
  /** What the next settings are refused with. */
  refuse(error: Error | undefined): void;
}

/** A config file, and what would run with it. */
export async function reloadWorld(
  config: object | undefined,
  canRestart = true,
): Promise<ReloadWorld> {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-reload-"));
  const file = join(dir, "openclaw.json");
  const write = (text: object | string): Promise<void> =>
    writeFile(file, typeof text === "string" ? text : JSON.stringify(text));
  if (config !== undefined) await write(config);
  const env = { OPENCLAW_STATE_DIR: dir };
  const load: LoadSettings = (adjust) =>
    loadSettings({ env, cwd: dir, home: dir, flags: {}, uid: undefined, adjust });
  const first = await load();
  if (!first.ok) throw new Error(configErrorText(first.error));
  let running = first.value;
  let applied = 0;
  let restarted = 0;
  let unneeded = 0;
  let putsOff = false;
  let error: Error | undefined;
  const lines: Record<string, unknown>[] = [];
  const log = createLog("info", { write: (line: string) => void lines.push(JSON.parse(line)) });
  return {
    reloader: new Reloader({
      load,
      settings: running,
      effects: GATEWAY_EFFECTS,
      async apply(next) {
        if (error !== undefined) throw error;
        applied += 1;
        running = next;
      },
      restartUnneeded: () => (unneeded += 1),
      ...(canRestart && {
        async restart(next: Settings) {
          if (error !== undefined) throw error;
          if (putsOff) return undefined;
          restarted += 1;
          running = next;
          return next;
        },
      }),
      log,
    }),
    running: () => running,
    applied: () => applied,
    restarted: () => restarted,
    unneeded: () => unneeded,
    putOff: (puts) => (putsOff = puts),
    logged: () => lines.splice(0).map(({ time: _when, ...line }) => line),
    load,
    write,
    writeVariables: (text) => writeFile(join(dir, ".env"), text),
    remove: () => rm(file),
    refuse: (next) => (error = next),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  };
}
