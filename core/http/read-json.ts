import { GatewayError } from "../../shared/errors.ts";
import { isTooHeavy } from "../../shared/json-weight.ts";
import { findJsonFault } from "./json-fault.ts";

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/**
 * The parsed body of a request, still to be checked by a schema.
 *
 * @param maxBytes - Undefined: what any request may have.
 * @throws GatewayError unsupported_media_type, too_large, or invalid_request that names the place
 *   of the fault and nothing of the text around it.
 */
export async function readJson(request: Request, maxBytes?: number): Promise<unknown> {
  if (!JSON_TYPE.test(request.headers.get("Content-Type") ?? "")) {
    throw new GatewayError(
      "unsupported_media_type",
      "Send the body as JSON, with `Content-Type: application/json`",
    );
  }
  const declared = Number(request.headers.get("Content-Length") ?? 0);
  if (maxBytes !== undefined && declared > maxBytes) throw tooLarge(maxBytes);
  const text = await request.text();
  if (maxBytes !== undefined && Buffer.byteLength(text) > maxBytes) throw tooLarge(maxBytes);
  return parseJson(text);
}

/** @throws GatewayError invalid_request, naming the place of the fault. */
export function parseJson(text: string): unknown {
  if (isTooHeavy(text)) {
    throw new GatewayError(
      "invalid_request",
      "The JSON is nested too deeply or has too many values",
    );
  }
  try {
    return JSON.parse(text);
  } catch {
    // Not passed on as the cause: the engine's message quotes the text.
    const { line, column } = findJsonFault(text);
    throw new GatewayError("invalid_request", `Not JSON: line ${line}, column ${column}`);
  }
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError("too_large", `The body is larger than ${maxBytes} bytes`);
}
