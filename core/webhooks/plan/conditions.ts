/** Which case of a route a webhook is. */
import { valueAt } from "../../../shared/ingress/json-path.ts";
import type { Case, Condition } from "../../config/ingress/ingress.ts";
import { matchesPart } from "./expression.ts";
import type { WebhookView } from "./view.ts";

/** So much of a value is searched: what an expression may cost grows with it. */
const MAX_SEARCHED_UNITS = 8_192;

/**
 * The first case whose conditions all hold; undefined: nothing is to be done.
 *
 * @throws GatewayError as `matchesPart`.
 */
export function chooseCase(cases: readonly Case[], view: WebhookView): Case | undefined {
  return cases.find(({ when }) => when.every((condition) => holds(condition, view)));
}

/** Whether `condition` holds for this event. */
export function holds(condition: Condition, view: WebhookView): boolean {
  return meets(condition, subjectOf(condition, view)) !== condition.not;
}

function subjectOf({ header, path }: Condition, view: WebhookView): unknown {
  if (header !== undefined) return view.headers.get(header) ?? undefined;
  return valueAt(view.document, path);
}

/** All that is asked for. Of a condition that asks for nothing: that something is there. */
function meets({ equals, oneOf, matches, exists }: Condition, value: unknown): boolean {
  const isThere = value !== undefined;
  if (exists !== undefined && isThere !== exists) return false;
  if (equals !== undefined && value !== equals) return false;
  if (oneOf !== undefined && !oneOf.some((one) => one === value)) return false;
  if (matches !== undefined) return isThere && matched(matches, value);
  return isThere || exists === false;
}

function matched(expression: RegExp, value: unknown): boolean {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return matchesPart(expression, text.slice(0, MAX_SEARCHED_UNITS));
}
