import type { Settings } from "../../config/settings.ts";
import { lazyMethods } from "../lazy.ts";
import type { NamedMethod, OperatorScope } from "../method.ts";

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

const SCOPES = {
  "secrets.reload": "operator.admin",
  "secrets.resolve": "operator.admin",
  "secrets.store.list": "operator.admin",
  "secrets.store.set": "operator.admin",
  "secrets.store.delete": "operator.admin",
} as const satisfies Record<string, OperatorScope>;

/** The `secrets.*` methods, loaded when the first of them is called. */
export function secretMethods(parts: SecretMethodParts): readonly NamedMethod[] {
  return lazyMethods(SCOPES, async () => {
    const [{ reloadMethods }, { storeMethods }] = await Promise.all([
      import("./reload.ts"),
      import("./store.ts"),
    ]);
    return [...reloadMethods(parts), ...storeMethods(parts)];
  });
}
