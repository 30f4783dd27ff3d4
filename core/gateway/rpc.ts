import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { complaintOf, failure, RequestFrame, type ResponseFrame, type RpcError } from "./frames.ts";

/** Scopes that another one brings with it. */
const IMPLIED: Readonly<Record<string, readonly string[]>> = {
  "operator.write": ["operator.read"],
};
const ADMIN = "operator.admin";

/**
 * One method of the protocol.
 *
 * When a core dies with a request of a client at the edge under way, the core after it is handed
 * the same request and answers it. So a method may be called twice for one request: it does its
 * work once all the same, or by a key that its caller sends along.
 */
export interface Method {
  readonly scope: "operator.read" | "operator.write" | "operator.admin";
  /**
   * @param params - Unchecked: parse first.
   * @throws GatewayError, ZodError for params that do not fit.
   */
  call(params: unknown): unknown;
}

export type Methods = ReadonlyMap<string, Method>;

/** True for a request frame of this method and id. */
export function isRequest(json: unknown, method: string, id: string): boolean {
  const frame = RequestFrame.safeParse(json);
  return frame.success && frame.data.method === method && frame.data.id === id;
}

/** The one place where RPC errors are made. Answers any parsed JSON a client sends; never rejects. */
export async function answerFrame(
  json: unknown,
  methods: Methods,
  scopes: readonly string[],
): Promise<ResponseFrame> {
  const frame = RequestFrame.safeParse(json);
  if (!frame.success) {
    return failure("invalid", invalid(`invalid request frame: ${complaintOf(frame.error)}`));
  }
  const { id, method: name, params } = frame.data;
  const method = methods.get(name);
  if (method === undefined) return failure(id, invalid(`unknown method: ${name}`));
  if (!covers(scopes, method.scope)) return failure(id, missingScope(method.scope));
  try {
    return { type: "res", id, ok: true, payload: await method.call(params ?? {}) };
  } catch (error) {
    return failure(id, toRpcError(error, name));
  }
}

function covers(scopes: readonly string[], needed: string): boolean {
  return scopes.some(
    (scope) => scope === ADMIN || scope === needed || IMPLIED[scope]?.includes(needed) === true,
  );
}

function missingScope(scope: string): RpcError {
  return {
    code: "FORBIDDEN",
    message: `missing scope: ${scope}`,
    details: { code: "MISSING_SCOPE", missingScope: scope, requiredScopes: [scope] },
  };
}

function toRpcError(error: unknown, method: string): RpcError {
  if (error instanceof z.ZodError)
    return invalid(`invalid ${method} params: ${complaintOf(error)}`);
  if (!(error instanceof GatewayError) || error.code === "internal") {
    return { code: "UNAVAILABLE", message: "internal error" };
  }
  const { message, retryAfterMs } = error;
  const details = { code: error.code.toUpperCase() };
  const retry = retryAfterMs === undefined ? {} : { retryable: true, retryAfterMs };
  const code = error.code === "invalid_request" ? "INVALID_REQUEST" : "UNAVAILABLE";
  return { code, message, details, ...retry };
}

function invalid(message: string): RpcError {
  return { code: "INVALID_REQUEST", message };
}
