import { GATEWAY_EFFECTS, planOf } from "./reload-plan.ts";

/** What a change of the setting at a dotted path does to a gateway, in the words of the protocol. */
export function reloadKind(path: string): "restart" | "hot" | "none" {
  const { now, effects } = planOf([path], GATEWAY_EFFECTS);
  if (now.length === 0) return "restart";
  return effects.has("none") ? "none" : "hot";
}

/** Whether a change of the settings at these dotted paths has a gateway begin anew by itself. */
export function beginsAnew(paths: readonly string[]): boolean {
  return planOf(paths, GATEWAY_EFFECTS).restart.length > 0;
}
