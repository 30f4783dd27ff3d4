/** Tools called over HTTP, without an agent. */
import * as z from "zod";
import type { Logger } from "pino";
import { GatewayError } from "../../shared/errors.ts";
import type { ToolInvoker } from "../agents/tools/invoke.ts";
import type { Caller } from "../tunnel/handlers.ts";
import { hasAllRights } from "./selection.ts";
import { readJson } from "./read-json.ts";
import { parseBody } from "./refusal.ts";

/** The gateway contract's limit. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;

export const ToolInvocation = z.object({
  tool: z.string().max(128).optional(),
  /** In place of `tool`. */
  name: z.string().max(128).optional(),
  action: z.string().max(128).optional(),
  args: z.record(z.string(), z.unknown()).optional(),
  sessionKey: z.string().max(512).optional(),
  agentId: z.string().max(64).optional(),
  idempotencyKey: z.string().min(1).max(256).optional(),
  dryRun: z.boolean().optional(),
});

export interface ToolParts {
  readonly tools: Pick<ToolInvoker, "invoke">;
  readonly log: Logger;
}

/**
 * Answers `POST /tools/invoke`.
 *
 * @throws GatewayError not_found for a tool that is unknown or closed, invalid_request, internal.
 */
export async function invokeOverHttp(
  request: Request,
  caller: Caller,
  { tools, log }: ToolParts,
): Promise<Response> {
  const order = parseBody(ToolInvocation, await readJson(request, MAX_BODY_BYTES));
  const name = (order.name ?? order.tool ?? "").trim();
  if (name === "") {
    throw new GatewayError("invalid_request", "tools.invoke requires name", { param: "name" });
  }
  const { action, args, sessionKey, agentId, idempotencyKey } = order;
  const who = { caller: caller.principal.subject, asOwner: hasAllRights(caller) };
  const { ok, text, cause } = await tools.invoke(
    { name, action, args, sessionKey, agentId, idempotencyKey, ...who },
    request.signal,
  );
  if (ok) {
    return Response.json({ ok: true, result: { content: [{ type: "text", text }] } });
  }
  if (cause === undefined) throw new GatewayError("invalid_request", text, { param: "args" });
  log.warn({ tool: name, err: cause, requestId: caller.requestId }, "tool failed");
  throw new GatewayError("internal", "The tool failed", { cause });
}
