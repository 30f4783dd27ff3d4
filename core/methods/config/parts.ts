import type { Settings } from "../../config/settings.ts";
import type { RestartFacts } from "../system/restart.ts";

/** What the `config.*` methods work with. */
export interface ConfigMethodParts {
  /** As they are now. */
  readonly settings: () => Settings;
  /** Takes over what was written, as far as that needs no restart; resolves when that is done. */
  readonly reload: () => Promise<void>;
  /** What a change of the setting at a dotted path does to what runs. */
  readonly reloadKind: (path: string) => "restart" | "hot" | "none";
  /** Whether a change of the settings at dotted paths has the gateway begin anew by itself. */
  readonly beginsAnew: (paths: readonly string[]) => boolean;
  /** The restart that is to come; undefined: there is none. */
  readonly pendingRestart: () => RestartFacts | undefined;
  /** Tells clients that the config was written; its hash as it is now. */
  readonly announce: (hash: string) => void;
  readonly version: string;
  readonly now: () => number;
}
