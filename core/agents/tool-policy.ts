/** Which tools an agent has. Pure. */

export interface ToolPolicy {
  /** Undefined: all. */
  readonly allow?: readonly string[] | undefined;
  readonly deny: readonly string[];
}

/** Whether every one of `policies` lets the tool through. `*` in a name stands for anything. */
export function isAllowed(tool: string, policies: readonly ToolPolicy[]): boolean {
  return policies.every(
    ({ allow, deny }) =>
      !deny.some((pattern) => matches(tool, pattern)) &&
      (allow === undefined || allow.some((pattern) => matches(tool, pattern))),
  );
}

/** In time that grows with the product of the lengths at worst: no regular expression is made of it. */
function matches(tool: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.toLowerCase().split("*");
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
