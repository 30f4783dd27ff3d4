import { GatewayError } from "../../shared/errors.ts";
import { findJsonFault } from "./json-fault.ts";

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/**
 * The parsed body of a request, still to be checked by a schema.
 *
 * @throws GatewayError unsupported_media_type, too_large, or invalid_request that names the place
 *   of the fault and nothing of the text around it.
 */
export async function readJson(request: Request): Promise<unknown> {
  if (!JSON_TYPE.test(request.headers.get("Content-Type") ?? "")) {
    throw new GatewayError(
      "unsupported_media_type",
      "Send the body as JSON, with `Content-Type: application/json`",
    );
  }
  return parseJson(await request.text());
}

/** @throws GatewayError invalid_request, naming the place of the fault. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not passed on as the cause: the engine's message quotes the text.
    const { line, column } = findJsonFault(text);
    throw new GatewayError("invalid_request", `Not JSON: line ${line}, column ${column}`);
  }
}
