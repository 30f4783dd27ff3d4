import type { Settings } from "../../config/settings.ts";
import type { RestartFacts } from "../system/restart.ts";
import { lazyMethods } from "../lazy.ts";
import type { NamedMethod, OperatorScope } from "../method.ts";
import { secretMethods } from "../secrets/lazy.ts";

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

const SCOPES = {
  "config.get": "operator.read",
  "config.schema": "operator.read",
  "config.schema.lookup": "operator.read",
  "config.set": "operator.admin",
  "config.patch": "operator.admin",
  "config.apply": "operator.admin",
} as const satisfies Record<string, OperatorScope>;

/** The `config.*` methods and those of the secrets it refers to, each loaded when one is called. */
export function configMethods(parts: ConfigMethodParts): readonly NamedMethod[] {
  const { settings, reload, now } = parts;
  const own = lazyMethods(SCOPES, async () => {
    const [{ readMethods }, { writeMethods }] = await Promise.all([
      import("./read.ts"),
      import("./write.ts"),
    ]);
    return [...readMethods(parts), ...writeMethods(parts)];
  });
  return [...own, ...secretMethods({ settings, reload, uid: process.getuid?.(), now })];
}
