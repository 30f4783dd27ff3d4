import { lazyMethods } from "../lazy.ts";
import type { NamedMethod, OperatorScope } from "../method.ts";
import type { SecretMethodParts } from "./parts.ts";

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
