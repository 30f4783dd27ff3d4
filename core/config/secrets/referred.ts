import { isTree } from "../tree.ts";
import { isSecretReference } from "./reference.ts";

/** What a config refers to in a source, by id, as it is written. Pure. */
export function referredIn(value: unknown, source: "store" | "env"): ReadonlySet<string> {
  const ids = new Set<string>();
  const walk = (one: unknown): void => {
    if (isTree(one) && isSecretReference(one) && one["source"] === source) {
      if (typeof one["id"] === "string") ids.add(one["id"]);
    } else if (typeof one === "object" && one !== null) Object.values(one).forEach(walk);
  };
  walk(value);
  return ids;
}
