import { lazyMethods } from "../lazy.ts";
import type { NamedMethod, OperatorScope } from "../method.ts";
import type { CronMethodParts } from "./parts.ts";

/** All there are: a gateway that nobody asks has not loaded them. */
const SCOPES = {
  "cron.list": "operator.read",
  "cron.get": "operator.read",
  "cron.status": "operator.read",
  "cron.runs": "operator.read",
  "cron.scratch.get": "operator.admin",
  "cron.add": "operator.admin",
  "cron.update": "operator.admin",
  "cron.remove": "operator.admin",
  "cron.run": "operator.admin",
  "cron.scratch.set": "operator.admin",
} as const satisfies Record<string, OperatorScope>;

/** The `cron.*` methods, loaded when the first of them is called. */
export function lazyCronMethods(parts: CronMethodParts): readonly NamedMethod[] {
  return lazyMethods(SCOPES, async () => {
    const { cronMethods } = await import("./methods.ts");
    return cronMethods(parts);
  });
}
