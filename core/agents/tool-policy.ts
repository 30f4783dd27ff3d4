/** Which tools an agent has. Pure. */
import { expanded, type ToolProfile, toolsOfProfile } from "./tool-groups.ts";

/** One list of what may be used and what may not. */
export interface ToolRule {
  /** Undefined: all. */
  readonly allow?: readonly string[] | undefined;
  readonly deny: readonly string[];
}

interface ProfiledRule extends ToolRule {
  readonly profile?: ToolProfile | undefined;
  /** On top of the profile. */
  readonly alsoAllow?: readonly string[] | undefined;
}

export interface ToolPolicy extends ProfiledRule {
  /** By provider, or by `provider/model`. */
  readonly byProvider?: Readonly<Record<string, ProfiledRule>> | undefined;
}

/**
 * Whether every one of `policies`, of all agents and of one, lets the tool through. `*` in a name
 * stands for anything, `group:<name>` for several tools.
 *
 * What the later one says of a profile takes the place of what an earlier one said: a profile is
 * where one begins. Lists of what is allowed and denied count together.
 *
 * @param modelRef - `provider/model` that is to use it; undefined: of no model.
 */
export function isAllowed(
  tool: string,
  policies: readonly ToolPolicy[],
  modelRef?: string,
): boolean {
  const own = modelRef === undefined ? [] : policies.map((policy) => forModel(policy, modelRef));
  const named = own.filter((rule) => rule !== undefined);
  return [policies, named].every(
    (rules) => isInProfile(tool, rules) && rules.every((rule) => passes(tool, rule)),
  );
}

/** The profile that a list of policies comes to; `full` where none says so. */
export function profileOf(policies: readonly ToolPolicy[]): ToolProfile {
  return policies.findLast(({ profile }) => profile !== undefined)?.profile ?? "full";
}

function isInProfile(tool: string, rules: readonly ProfiledRule[]): boolean {
  const profile = rules.findLast((rule) => rule.profile !== undefined)?.profile;
  const names = profile === undefined ? undefined : toolsOfProfile(profile);
  if (names === undefined) return true;
  const more = rules.findLast(({ alsoAllow }) => alsoAllow !== undefined)?.alsoAllow ?? [];
  return isNamed(tool, [...names, ...more]);
}

/** The longer name says more of the model. */
function forModel({ byProvider = {} }: ToolPolicy, ref: string): ProfiledRule | undefined {
  const wanted = ref.toLowerCase();
  const [provider = ""] = wanted.split("/");
  const rules = new Map(Object.entries(byProvider).map(([key, one]) => [key.toLowerCase(), one]));
  return rules.get(wanted) ?? rules.get(provider);
}

function passes(tool: string, { allow, deny }: ToolRule): boolean {
  return !isNamed(tool, deny) && (allow === undefined || isNamed(tool, allow));
}

/** Whether `list`, of names, patterns and groups, has the tool in it. */
export function isNamed(tool: string, list: readonly string[]): boolean {
  return list.some((entry) => expanded(entry).some((pattern) => matches(tool, pattern)));
}

/** In time that grows with the product of the lengths at worst: no regular expression is made of it. */
function matches(tool: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const name = tool.toLowerCase();
  if (rest.length === 0) return name === first;
  if (!name.startsWith(first)) return false;
  const last = rest.pop() ?? "";
  let at = first.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
