import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { RequestFrame } from "../../../shared/gateway/connect-params.ts";
import {
  type CallContext,
  covers,
  MethodError,
  type Methods,
  type OperatorScope,
  PutOff,
} from "../../methods/method.ts";
import { complaintOf, failure, type ResponseFrame, type RpcError } from "./frames.ts";

/** Errors that the caller has to do something about. */
const CALLERS_FAULT: ReadonlySet<string> = new Set([
  "invalid_request",
  "not_found",
  "model_not_found",
  "conflict",
  "too_large",
]);

/** By then some of those under way are answered. */
const BUSY_RETRY_MS = 1_000;

/** True for a request frame of this method and id. */
export function isRequest(json: unknown, method: string, id: string): boolean {
  const frame = RequestFrame.safeParse(json);
  return frame.success && frame.data.method === method && frame.data.id === id;
}

/** Of a client that calls. */
export interface CallSource {
  /** The call, once it is known which request it is for. */
  readonly context: (requestId: string) => CallContext;
  /** Whether it can be made again, once the gateway has begun anew. */
  readonly canPutOff: () => boolean;
}

/**
 * The one place where RPC errors are made. Answers any parsed JSON a client sends; never rejects.
 *
 * @returns `later`: the same call is to be made again.
 */
export async function answerFrame(
  json: unknown,
  methods: Methods,
  { context: contextOf, canPutOff }: CallSource,
): Promise<ResponseFrame | "later"> {
  const frame = RequestFrame.safeParse(json);
  if (!frame.success) {
    return failure("invalid", invalid(`invalid request frame: ${complaintOf(frame.error)}`));
  }
  const { id, method: name, params: given } = frame.data;
  const params = given ?? {};
  const method = methods.get(name);
  if (method === undefined) return failure(id, invalid(`unknown method: ${name}`));
  const context = contextOf(id);
  try {
    const scope = typeof method.scope === "function" ? method.scope(params) : method.scope;
    if (scope !== "any" && !covers(context.client.scopes, scope)) {
      return failure(id, missingScope(scope));
    }
    const payload = await method.call(params, context);
    return { type: "res", id, ok: true, payload };
  } catch (error) {
    if (!(error instanceof PutOff)) return failure(id, toRpcError(error, name));
    return canPutOff() ? "later" : await otherwise(id, error, name);
  }
}

/** The answer to a call that nobody will make again. */
async function otherwise(id: string, error: PutOff, name: string): Promise<ResponseFrame> {
  try {
    return { type: "res", id, ok: true, payload: await error.otherwise() };
  } catch (reason) {
    return failure(id, toRpcError(reason, name));
  }
}

/** The answer to one request too many of a client: it may ask again. */
export function refuseFrame(json: unknown): ResponseFrame {
  const frame = RequestFrame.safeParse(json);
  return failure(frame.success ? frame.data.id : "invalid", {
    code: "UNAVAILABLE",
    message: "too many requests at once",
    details: { code: "OVERLOADED" },
    retryable: true,
    retryAfterMs: BUSY_RETRY_MS,
  });
}

/** The answer to a frame that is not even parsed: whose it is nobody knows. */
export function refuseHeavy(): ResponseFrame {
  return failure("invalid", invalid("invalid request frame: nested too deeply or too many values"));
}

function missingScope(scope: OperatorScope): RpcError {
  return {
    code: "FORBIDDEN",
    message: `missing scope: ${scope}`,
    details: { code: "MISSING_SCOPE", missingScope: scope, requiredScopes: [scope] },
  };
}

function toRpcError(error: unknown, method: string): RpcError {
  if (error instanceof z.ZodError)
    return invalid(`invalid ${method} params: ${complaintOf(error)}`);
  if (error instanceof MethodError) {
    const { code, message, details } = error;
    return { code, message, details };
  }
  if (!(error instanceof GatewayError) || error.code === "internal") {
    return { code: "UNAVAILABLE", message: "internal error" };
  }
  const { message, retryAfterMs } = error;
  const details = { code: error.code.toUpperCase() };
  const retry = retryAfterMs === undefined ? {} : { retryable: true, retryAfterMs };
  return { code: codeOf(error), message, details, ...retry };
}

function codeOf({ code }: GatewayError): RpcError["code"] {
  if (code === "forbidden") return "FORBIDDEN";
  return CALLERS_FAULT.has(code) ? "INVALID_REQUEST" : "UNAVAILABLE";
}

function invalid(message: string): RpcError {
  return { code: "INVALID_REQUEST", message };
}
