/** What a schema finds wrong, in words for people. Never tells the value that was found. Pure. */
import type * as z from "zod";

type Issue = z.core.$ZodIssue;

/** So many of the values there may be are named. */
const MAX_NAMED = 16;

/** As the end of a sentence about the field: `must be a number`, `is missing`. */
export function wordsOf(issue: Issue): string {
  if (!isZods(issue.message)) return issue.message;
  switch (issue.code) {
    case "invalid_type":
      return isMissing(issue) ? "is missing" : `must be ${nounOf(issue.expected)}`;
    case "too_big":
      return tooBig(issue);
    case "too_small":
      return tooSmall(issue);
    case "invalid_value":
      return `must be ${oneOf(issue.values)}`;
    case "invalid_format":
      return FORMATS[issue.format] ?? "has not the form that is expected";
    case "invalid_union":
      return ofUnion(issue);
    default:
      return rareWords(issue);
  }
}

function rareWords(issue: Issue): string {
  if (issue.code === "unrecognized_keys") return "has a property that is not known";
  if (issue.code === "not_multiple_of") return `must be a multiple of ${issue.divisor}`;
  // The name of an entry is at fault: its own schema says how.
  const [inner] = "issues" in issue ? issue.issues : [];
  return inner === undefined ? "is not valid" : wordsOf(inner);
}

/** Whether there is nothing in its place, as far as the schema tells. */
export function isMissing(issue: Issue): boolean {
  if (issue.code === "invalid_union") {
    return issue.errors.length > 0 && issue.errors.every(([one]) => one && isMissing(one));
  }
  return issue.code === "invalid_type" && issue.message.endsWith("received undefined");
}

/** Words of our own begin in lower case, or are a sentence about something else. */
function isZods(message: string): boolean {
  return /^(?:Invalid|Too (?:big|small)|Unrecognized)\b/.test(message);
}

const NOUNS: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  bigint: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  set: "a list",
  object: "an object",
  record: "an object",
  map: "an object",
  null: "null",
  undefined: "left out",
  never: "left out",
};

function nounOf(expected: string): string {
  return NOUNS[expected] ?? `a ${expected}`;
}

const FORMATS: Readonly<Record<string, string>> = {
  url: "must be a URL",
  uuid: "must be a UUID",
  email: "must be an e-mail address",
  datetime: "must be a time like 2026-01-31T12:00:00Z",
  date: "must be a date like 2026-01-31",
  base64: "must be base64",
  json_string: "must be JSON",
};

type Bound = z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall;

function tooBig({ origin, maximum, inclusive = true, ...rest }: z.core.$ZodIssueTooBig): string {
  const unit = UNITS[origin];
  if (unit === undefined) return `must be ${inclusive ? "at most" : "less than"} ${maximum}`;
  return `must have ${rest.exact === true ? "exactly" : "at most"} ${counted(maximum, unit)}`;
}

function tooSmall({
  origin,
  minimum,
  inclusive = true,
  ...rest
}: z.core.$ZodIssueTooSmall): string {
  const unit = UNITS[origin];
  if (unit === undefined) return `must be ${inclusive ? "at least" : "more than"} ${minimum}`;
  if (rest.exact === true) return `must have exactly ${counted(minimum, unit)}`;
  return Number(minimum) <= 1
    ? "must not be empty"
    : `must have at least ${counted(minimum, unit)}`;
}

const UNITS: Readonly<Partial<Record<Bound["origin"], string>>> = {
  string: "character",
  array: "item",
  set: "item",
  file: "byte",
};

function counted(count: number | bigint, unit: string): string {
  return `${count} ${unit}${Number(count) === 1 ? "" : "s"}`;
}

function oneOf(values: readonly unknown[]): string {
  const named = values.slice(0, MAX_NAMED).map((value) => JSON.stringify(value) ?? "left out");
  const more = values.length > MAX_NAMED ? [...named, "…"] : named;
  return more.length === 1 ? named.join("") : `one of ${more.join(", ")}`;
}

/** Where every alternative is of another type, the types; otherwise there is too much to tell. */
function ofUnion(issue: Extract<Issue, { readonly code: "invalid_union" }>): string {
  if (isMissing(issue)) return "is missing";
  if ("options" in issue && Array.isArray(issue.options)) return `must be ${oneOf(issue.options)}`;
  const nouns = issue.errors.map(([one]) => {
    return one?.code === "invalid_type" && one.path.length === 0 ? nounOf(one.expected) : undefined;
  });
  const known = [...new Set(nouns.filter((noun) => noun !== undefined))];
  const isWhole = known.length > 0 && !nouns.includes(undefined);
  return isWhole ? `must be ${known.join(" or ")}` : "has none of the forms that are understood";
}
