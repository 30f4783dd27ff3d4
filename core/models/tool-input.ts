import { err, ok, type Result } from "../../shared/result.ts";
import type { ToolCall } from "../store/message.ts";

/**
 * The object a model wrote as input of a call. Nothing at all counts as `{}`: that is how models
 * call a tool that takes no input.
 */
export function parseToolInput(
  call: ToolCall,
): Result<Readonly<Record<string, unknown>>, { readonly reason: "not_json" | "not_an_object" }> {
  if (call.input.trim() === "") return ok({});
  let parsed: unknown;
  try {
    parsed = JSON.parse(call.input);
  } catch {
    return err({ reason: "not_json" });
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    return err({ reason: "not_an_object" });
  }
  return ok({ ...parsed });
}
