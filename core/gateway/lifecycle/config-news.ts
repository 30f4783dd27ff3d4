import type { Logger } from "pino";
import { systemClock } from "../../channels/clock.ts";
import type { Settings } from "../../config/settings.ts";
import type { EventHub } from "../../methods/events.ts";

/** Tells administrators of a config that was written, and keeps what has worked. */
export class ConfigNews {
  readonly #hub: EventHub;
  readonly #log: Logger;
  /** The hash of the config that clients know of. */
  #announced = "";

  constructor(hub: EventHub, log: Logger) {
    this.#hub = hub;
    this.#log = log;
  }

  /** Once for each config. */
  announce(path: string, hash: string): void {
    if (hash === this.#announced) return;
    this.#announced = hash;
    const to = { scope: "operator.admin" } as const;
    this.#hub.publish("config.changed", { path, hash, ts: systemClock.now() }, to);
  }

  /** It runs with these. Never rejects. */
  async accept({ configPath, configHash, openWriter }: Settings): Promise<void> {
    try {
      await (await openWriter()).keepLastGood(configHash);
    } catch (err) {
      this.#log.warn({ err }, "the config could not be kept as the last good one");
    }
    this.announce(configPath, configHash);
  }
}
