import type { Method, NamedMethod } from "./method.ts";

/**
 * Methods that are loaded when the first of them is called: a gateway that nobody asks keeps only
 * their names in memory, and what it takes to call them.
 *
 * @param scopes - Of every one of them.
 * @param load - Called once, at most. It must bring what `scopes` names.
 */
export function lazyMethods(
  scopes: Readonly<Record<string, Method["scope"]>>,
  load: () => Promise<Iterable<readonly [string, Pick<Method, "call">]>>,
): readonly NamedMethod[] {
  let loading: Promise<ReadonlyMap<string, Pick<Method, "call">>> | undefined;
  return Object.entries(scopes).map(([name, scope]): NamedMethod => {
    const call: Method["call"] = async (params, context) => {
      loading ??= load().then((methods) => new Map(methods));
      const method = (await loading).get(name);
      if (method === undefined) throw new TypeError(`${name} has a scope and no method`);
      return method.call(params, context);
    };
    return [name, { scope, call }];
  });
}
