/** For a schema that refuses `undefined`: text that is no JSON is then no document of ours either. */
export function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
