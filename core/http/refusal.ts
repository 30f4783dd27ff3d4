import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { isMissing, wordsOf } from "../config/issues/words.ts";

/**
 * A body as its schema reads it.
 *
 * @throws GatewayError invalid_request: the first complaint with its place, and never the value
 *   found there.
 */
export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw refusal("", "is not valid");
  const { path, complaint, isMissing: isAbsent } = closest(issue);
  throw isAbsent && path.length > 0 ? missing(path) : refusal(z.core.toDotPath(path), complaint);
}

/** In the words of the gateway contract. */
function missing(path: readonly PropertyKey[]): GatewayError {
  const param = z.core.toDotPath(path);
  return new GatewayError("invalid_request", `Missing \`${param}\`.`, { param });
}

interface Complaint {
  readonly path: readonly PropertyKey[];
  readonly complaint: string;
  readonly isMissing: boolean;
}

/** Of something that is text or a list: the element of the list that is at fault. */
function closest(issue: z.core.$ZodIssue): Complaint {
  const whole = { path: issue.path, complaint: wordsOf(issue), isMissing: isMissing(issue) };
  if (issue.code !== "invalid_union") return whole;
  const inside = issue.errors.flat().find(({ path }) => typeof path[0] === "number");
  if (inside === undefined) return whole;
  const found = closest(inside);
  return { ...found, path: [...issue.path, ...found.path] };
}

/** @param param - Path of the field at fault; empty: the body as a whole. */
export function refusal(param: string, complaint: string): GatewayError {
  const message = `\`${param === "" ? "body" : param}\`: ${complaint}`;
  return new GatewayError("invalid_request", message, { param: param === "" ? undefined : param });
}
