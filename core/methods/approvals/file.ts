/** What may be run without asking, as it is set for all agents and for each. */
import { hash } from "node:crypto";
import * as z from "zod";
import { err, ok, type Result } from "../../../shared/result.ts";

const Text = z.string().max(4_096);
const Name = z.string().min(1).max(256);
/** Entries of one agent. */
const MAX_ENTRIES = 1_000;

const Entry = z.strictObject({
  id: Name.optional(),
  pattern: Text,
  source: z.literal("allow-always").optional(),
  commandText: Text.optional(),
  argPattern: Text.optional(),
  lastUsedAt: z.number().min(0).optional(),
  lastUsedCommand: Text.optional(),
  lastResolvedPath: Text.optional(),
});

const McpTool = z.strictObject({
  server: Name,
  tool: Name,
  source: z.literal("allow-always"),
  addedAt: z.number().min(0),
  lastUsedAt: z.number().min(0).optional(),
});

const Policy = z.strictObject({
  security: Text.optional(),
  ask: Text.optional(),
  askFallback: Text.optional(),
  autoAllowSkills: z.boolean().optional(),
});

/** Source: ExecApprovalsSetParamsSchema of @openclaw/gateway-protocol. */
export const ApprovalsFile = z.strictObject({
  version: z.literal(1),
  socket: z.strictObject({ path: Text.optional(), token: Text.optional() }).optional(),
  defaults: Policy.optional(),
  agents: z
    .record(
      Name,
      Policy.extend({
        allowlist: z.array(Entry).max(MAX_ENTRIES).optional(),
        mcpTools: z.array(McpTool).max(MAX_ENTRIES).optional(),
      }),
    )
    .optional(),
});
export type ApprovalsFile = z.output<typeof ApprovalsFile>;

export const EMPTY_FILE: ApprovalsFile = { version: 1, defaults: {}, agents: {} };

const Security = z.enum(["deny", "allowlist", "full"]).catch("deny");
const Ask = z.enum(["off", "on-miss", "always"]).catch("on-miss");

/** What counts for an agent that says nothing of its own: nothing runs that nobody has allowed. Pure. */
export function resolvedDefaults({ defaults = {} }: ApprovalsFile): object {
  return {
    security: Security.parse(defaults.security),
    ask: Ask.parse(defaults.ask),
    askFallback: Security.parse(defaults.askFallback),
    autoAllowSkills: defaults.autoAllowSkills ?? false,
  };
}

/** Names this content: whoever changes it says what they have seen. Pure. */
export function hashOf(file: ApprovalsFile): string {
  return hash("sha256", JSON.stringify(file), "hex");
}

/** As clients get to see it: less the credential of the socket. Pure. */
export function withoutCredential(file: ApprovalsFile): ApprovalsFile {
  if (file.socket?.token === undefined) return file;
  const { token: _ours, ...socket } = file.socket;
  return { ...file, socket };
}

/**
 * What is to be kept of a change. Pure.
 *
 * @param kept - Undefined: nothing so far.
 * @param baseHash - What its author has seen.
 * @returns Why not.
 */
export function merged(
  kept: ApprovalsFile | undefined,
  next: ApprovalsFile,
  baseHash: string | undefined,
): Result<ApprovalsFile, string> {
  if (kept !== undefined && baseHash === undefined) {
    return err("exec approvals base hash required; re-run exec.approvals.get and retry");
  }
  if (kept !== undefined && baseHash !== hashOf(withoutCredential(kept))) {
    return err("exec approvals changed since last load; re-run exec.approvals.get and retry");
  }
  const token = next.socket?.token ?? kept?.socket?.token;
  if (token === undefined) return ok(next);
  return ok({ ...next, socket: { ...next.socket, token } });
}
