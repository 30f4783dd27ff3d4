/** The part of JSONPath that names one value: `$.a.b[0]["c d"].e`, also without the `$.`. Pure. */

const STEP = /\.?([A-Za-z_][\w-]*)|\[(\d{1,9})\]|\["([^"\\]*)"\]|\['([^'\\]*)'\]/y;
/** More steps than any sender nests what matters. */
const MAX_STEPS = 32;

/** The steps of a path; undefined for text that is none. */
export function readPath(path: string): readonly (string | number)[] | undefined {
  const steps: (string | number)[] = [];
  const step = new RegExp(STEP);
  step.lastIndex = path.startsWith("$") ? 1 : 0;
  while (step.lastIndex < path.length) {
    const [text, name, index, double, single] = step.exec(path) ?? [];
    if (text === undefined || steps.length === MAX_STEPS) return undefined;
    steps.push(index === undefined ? (name ?? double ?? single ?? "") : Number(index));
  }
  return steps;
}

/** The value that `path` names within `root`; undefined where there is none. */
export function valueAt(root: unknown, path: string): unknown {
  const steps = readPath(path);
  if (steps === undefined) return undefined;
  let value: unknown = root;
  for (const step of steps) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) {
      return undefined;
    }
    value = Reflect.get(value, step);
  }
  return value;
}
