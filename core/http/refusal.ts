import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";

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
  const { path, message } = issue === undefined ? UNKNOWN : closest(issue);
  throw refusal(z.core.toDotPath(path), message);
}

interface Complaint {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const UNKNOWN: Complaint = { path: [], message: "Invalid input" };

/** Of something that is text or a list: the element of the list that is at fault. */
function closest(issue: z.core.$ZodIssue): Complaint {
  if (issue.code !== "invalid_union") return issue;
  const inside = issue.errors.flat().find(({ path }) => typeof path[0] === "number");
  if (inside === undefined) return issue;
  const { path, message } = closest(inside);
  return { path: [...issue.path, ...path], message };
}

/** @param param - Path of the field at fault; empty: the body as a whole. */
export function refusal(param: string, complaint: string): GatewayError {
  const message = `\`${param === "" ? "body" : param}\`: ${complaint}`;
  return new GatewayError("invalid_request", message, { param: param === "" ? undefined : param });
}
