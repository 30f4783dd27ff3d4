import type { Method, NamedMethod, OperatorScope } from "../method.ts";
import type { CronMethodParts } from "./parts.ts";

/** All there are: a gateway that nobody asks has not loaded them. */
const SCOPES = {
  "cron.list": "operator.read",
  "cron.get": "operator.read",
  "cron.status": "operator.read",
  "cron.runs": "operator.read",
  "cron.scratch.get": "operator.read",
  "cron.add": "operator.admin",
  "cron.update": "operator.admin",
  "cron.remove": "operator.admin",
  "cron.run": "operator.admin",
  "cron.scratch.set": "operator.admin",
} as const satisfies Record<string, OperatorScope>;

/** The `cron.*` methods, loaded when the first of them is called. */
export function lazyCronMethods(parts: CronMethodParts): readonly NamedMethod[] {
  let loaded: Promise<ReadonlyMap<string, Method>> | undefined;
  return Object.entries(SCOPES).map(([name, scope]): NamedMethod => {
    const call: Method["call"] = async (params, context) => {
      loaded ??= load(parts);
      return (await loaded).get(name)?.call(params, context);
    };
    return [name, { scope, call }];
  });
}

async function load(parts: CronMethodParts): Promise<ReadonlyMap<string, Method>> {
  const { cronMethods } = await import("./methods.ts");
  return new Map(cronMethods(parts));
}
