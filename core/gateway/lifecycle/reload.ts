import type { Logger } from "pino";
import { GatewayError } from "../../../shared/errors.ts";
import type { Result } from "../../../shared/result.ts";
import { changedPaths, mixOf } from "../../config/changes.ts";
import type { Adjust } from "../../config/file/interpret.ts";
import { type ConfigError, configErrorText } from "../../config/issues/error.ts";
import type { Settings } from "../../config/settings.ts";
import { watchFiles } from "../../config/file/watch.ts";
import { type Effects, planOf, type ReloadPlan } from "./reload-plan.ts";

/**
 * Reads the settings anew, variables and all.
 *
 * @param adjust - What of the config counts. Default: all of it.
 */
export type LoadSettings = (adjust?: Adjust) => Promise<Result<Settings, ConfigError>>;

/** How many paths one line names. */
const MAX_NAMED = 8;

export interface ReloadParts {
  readonly load: LoadSettings;
  /** What was started with. */
  readonly settings: Settings;
  readonly effects: Effects;
  /**
   * Takes over what may change at once.
   *
   * @throws GatewayError for settings that cannot be: then nothing may have changed.
   */
  readonly apply: (file: Settings, plan: ReloadPlan) => Promise<void>;
  /**
   * Begins anew within the process, with the settings as they are by then; left out: that cannot be
   * done here.
   *
   * @returns Those settings; undefined when it has to wait. Once it has begun, `took` is told.
   * @throws GatewayError for settings it cannot run with: then it runs with those it had.
   */
  readonly restart?: ((file: Settings) => Promise<Settings | undefined>) | undefined;
  /** The config needs no restart any more. */
  readonly restartUnneeded?: (() => void) | undefined;
  /** Hears of settings that are not taken over before a restart, or not all of them. */
  readonly putOff?: ((file: Settings) => void) | undefined;
  /** Hears of settings that were taken over. Must not reject. */
  readonly accepted?: ((file: Settings) => Promise<void>) | undefined;
  readonly log: Logger;
}

/** A config that was written and does not run. */
export interface ConfigRefusal {
  readonly file: string;
  /** For the person who wrote it; never a value of it. */
  readonly reason: string;
}

/** Disposing it ends the following; settles when what it was about to do is done. */
export interface Follower extends AsyncDisposable {
  /** Looks at the files now; resolves when all that has changed until now is dealt with. */
  look(): Promise<void>;
  /** Why the files as they are now are not followed; undefined: they are. */
  readonly refusal: ConfigRefusal | undefined;
  /** It runs with these now. */
  took(settings: Settings): void;
}

/** Follows the config, what it includes and the variables beside it until it is disposed. */
export function followConfig(parts: ReloadParts): Follower {
  let watched: readonly string[] = [];
  let watch: Disposable | undefined;
  const follow = ({ files }: Settings): void => {
    if (reloader.isOver || files.join("\0") === watched.join("\0")) return;
    watch?.[Symbol.dispose]();
    watched = files;
    watch = watchFiles(files, {
      debounceMs: () => reloader.debounceMs,
      onChange: () => void reloader.look(),
    });
  };
  const accepted = async (file: Settings): Promise<void> => {
    follow(file);
    await parts.accepted?.(file);
  };
  const putOff = (file: Settings): void => {
    follow(file);
    parts.putOff?.(file);
  };
  const reloader = new Reloader({ ...parts, accepted, putOff });
  follow(parts.settings);
  // What was written while we started.
  void reloader.look();
  return {
    look: () => reloader.look(),
    get refusal() {
      return reloader.refusal;
    },
    took: (settings) => reloader.took(settings),
    async [Symbol.asyncDispose]() {
      watch?.[Symbol.dispose]();
      await reloader.end();
    },
  };
}

/** Takes over what has changed in the config file: what is wrong with it changes nothing. */
export class Reloader {
  readonly #parts: ReloadParts;
  /** The file as it was last understood. */
  #known: Settings;
  #refusal: ConfigRefusal | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #ended = false;

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#known = parts.settings;
  }

  get isOver(): boolean {
    return this.#ended;
  }

  get refusal(): ConfigRefusal | undefined {
    return this.#refusal;
  }

  /** How long a file must have been left alone. */
  get debounceMs(): number {
    return this.#known.config.gateway.reload.debounceMs;
  }

  /** Looks at the file; resolves when all that has changed until now is dealt with. Never rejects. */
  look(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Looks no more; resolves when it does nothing any more. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#ended) {
      this.#again = false;
      await this.#reload().catch((err: unknown) => {
        this.#parts.log.error({ err }, "config reload failed: nothing has changed");
      });
    }
  }

  /** It runs with these now; what was written since is looked at. */
  took(settings: Settings): void {
    if (settings === this.#known) return;
    void this.#accept(settings);
    void this.look();
  }

  async #reload(): Promise<void> {
    if (this.#known.config.gateway.reload.mode === "off") return;
    const file = await this.#read();
    if (this.#ended) return;
    if (file === undefined) {
      // One that waits would begin anew with what runs already.
      this.#parts.restartUnneeded?.();
      return;
    }
    const paths = changesBetween(this.#known, file);
    const plan = planOf(paths, this.#parts.effects);
    this.#refusal = undefined;
    if (plan.restart.length === 0) this.#parts.restartUnneeded?.();
    if (paths.length === 0) return;
    const running = await this.#applied(file, plan);
    if (running !== undefined) await this.#accept(running);
  }

  async #accept(settings: Settings): Promise<void> {
    if (settings === this.#known) return;
    this.#tell(settings, planOf(changesBetween(this.#known, settings), this.#parts.effects));
    this.#known = settings;
    await this.#parts.accepted?.(settings);
  }

  /** Undefined when the file is not fit to be followed. */
  async #read(): Promise<Settings | undefined> {
    const { load, log } = this.#parts;
    const loaded = await load();
    const file = this.#known.configPath;
    if (!loaded.ok) {
      const reason = configErrorText(loaded.error);
      this.#refusal = { file, reason };
      log.warn({ reason }, "config is invalid: nothing has changed");
      return undefined;
    }
    const { configExists } = loaded.value;
    if (configExists || !this.#known.configExists) return loaded.value;
    this.#refusal = { file, reason: `${file} is gone` };
    log.warn({ file }, "config file is gone: nothing has changed");
    return undefined;
  }

  /** The settings that run then; undefined: as before. */
  async #applied(file: Settings, plan: ReloadPlan): Promise<Settings | undefined> {
    const { apply, restart, log } = this.#parts;
    try {
      if (plan.restart.length > 0 && restart !== undefined) {
        const running = await restart(file);
        if (running === undefined) await this.#meanwhile(file, plan);
        return running;
      }
      if (plan.now.length > 0) await apply(file, plan);
      return file;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const { message: reason } = error;
      this.#refusal = { file: file.configPath, reason };
      log.warn({ reason }, "config is refused: nothing has changed");
      return undefined;
    }
  }

  /** Until there is a restart, what can be had without one. */
  async #meanwhile(file: Settings, plan: ReloadPlan): Promise<void> {
    const { effects, load, apply, log, putOff } = this.#parts;
    putOff?.(file);
    if (plan.now.length === 0) return;
    const before: unknown = JSON.parse(this.#known.source.reveal());
    const isLive = (path: string): boolean => planOf([path], effects).now.length > 0;
    const loaded = await load((after) => mixOf(before, after, isLive));
    // What counts only together with the rest waits as well.
    if (!loaded.ok) return;
    const mixed = planOf(changesBetween(this.#known, loaded.value), effects);
    if (mixed.restart.length > 0 || mixed.now.length === 0) return;
    await apply(loaded.value, mixed);
    log.info({ paths: named(mixed.now) }, "config reloaded");
    this.#known = loaded.value;
  }

  #tell({ warnings }: Settings, plan: ReloadPlan): void {
    const { log, restart } = this.#parts;
    const told = new Set(this.#known.warnings);
    for (const warning of warnings) if (!told.has(warning)) log.warn(warning);
    const done = restart === undefined ? plan.now : [...plan.now, ...plan.restart];
    if (done.length > 0) log.info({ paths: named(done) }, "config reloaded");
    const left = restart === undefined ? [...plan.restart, ...plan.process] : plan.process;
    if (left.length > 0) {
      log.warn({ paths: named(left) }, "config change takes effect after a restart");
    }
  }
}

/** The config as it is now; undefined, and said in the log, when it is not fit to be run with. */
export async function readNow(load: LoadSettings, log: Logger): Promise<Settings | undefined> {
  const loaded = await load();
  if (loaded.ok) return loaded.value;
  log.warn({ reason: configErrorText(loaded.error) }, "config is invalid: nothing has changed");
  return undefined;
}

function changesBetween(before: Settings, after: Settings): string[] {
  const paths = changedPaths(JSON.parse(before.source.reveal()), JSON.parse(after.source.reveal()));
  // Without a file webhooks are on by themselves, and with one when it says so.
  return before.configExists === after.configExists ? paths : ["hooks", ...paths];
}

function named(paths: readonly string[]): string[] {
  const rest = paths.length - MAX_NAMED;
  return rest > 0 ? [...paths.slice(0, MAX_NAMED), `and ${rest} more`] : [...paths];
}
