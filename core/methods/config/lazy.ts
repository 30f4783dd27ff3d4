import { lazyMethods } from "../lazy.ts";
import type { NamedMethod, OperatorScope } from "../method.ts";
import { secretMethods } from "../secrets/lazy.ts";
import type { ConfigMethodParts } from "./parts.ts";

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
