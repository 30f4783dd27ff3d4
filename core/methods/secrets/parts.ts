import type { Settings } from "../../config/settings.ts";

/** What the `secrets.*` methods work with. */
export interface SecretMethodParts {
  /** As they are now. */
  readonly settings: () => Settings;
  /** Reads config and secrets anew, and takes over what has changed; resolves when that is done. */
  readonly reload: () => Promise<void>;
  /** Of this process; undefined where there are no user ids. */
  readonly uid: number | undefined;
  /** Unix ms. */
  readonly now: () => number;
}
