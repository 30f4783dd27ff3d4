import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type {
  SessionChange,
  SessionExpectation,
  SessionInfo,
  Setting,
} from "../../store/session.ts";
import { type ChatParts, type Named, sessionOf, tellChanged, thinkingIn } from "../chat/parts.ts";
import { modelOf } from "../chat/wire.ts";
import { MethodError } from "../method.ts";
import { rowOf } from "./list.ts";

const Name = z.string().min(1);
const Chosen = Name.max(512).nullable().optional();

/** What may be changed. Null: as everywhere else. */
const Mutation = {
  label: Chosen,
  icon: z.string().max(512).nullable().optional(),
  color: z.string().max(64).nullable().optional(),
  category: Chosen,
  boardFace: z.enum(["chat", "dashboard"]).optional(),
  statusNote: z.string().max(120).nullable().optional(),
  archived: z.boolean().optional(),
  pinned: z.boolean().optional(),
  unread: z.boolean().optional(),
  contextWindow: Chosen,
  thinkingLevel: Chosen,
  fastMode: z
    .union([z.boolean(), z.literal("auto")])
    .nullable()
    .optional(),
  verboseLevel: Chosen,
  traceLevel: Chosen,
  reasoningLevel: Chosen,
  responseUsage: z.enum(["off", "tokens", "full", "on"]).nullable().optional(),
  elevatedLevel: Chosen,
  execHost: Chosen,
  execSecurity: Chosen,
  execAsk: Chosen,
  execNode: Chosen,
  permissionMode: z.enum(["read-only", "guarded", "workspace", "full"]).nullable().optional(),
  model: Chosen,
  sendPolicy: z.enum(["allow", "deny"]).nullable().optional(),
  groupActivation: z.enum(["mention", "always"]).nullable().optional(),
};
const Target = {
  key: Name,
  agentId: Name.optional(),
  expectedSessionId: Name.optional(),
  expectedLifecycleRevision: Name.optional(),
};
const Patch = z.strictObject({ ...Target, ...Mutation });
const PatchMany = z.strictObject({
  targets: z.array(z.strictObject(Target)).min(1).max(100),
  patch: z.strictObject(Mutation),
});
type Patch = z.output<typeof Patch>;
type Mutation = z.output<typeof PatchMany>["patch"];

/** `sessions.patch` */
export async function patchSession(given: unknown, parts: ChatParts): Promise<object> {
  const { key, agentId, expectedSessionId, expectedLifecycleRevision, ...mutation } =
    Patch.parse(given);
  const named = sessionOf(key, agentId, parts);
  const expected = expectationOf({ expectedSessionId, expectedLifecycleRevision });
  const info = await change(named, mutation, expected, parts);
  const entry = await rowOf(info, parts);
  const ref = typeof info.settings["model"] === "string" ? info.settings["model"] : undefined;
  const resolved = ref === undefined ? {} : { resolved: modelOf(ref) };
  return { ok: true, path: parts.path, key: named.key, entry, ...resolved };
}

/** `sessions.patchMany`: each for itself; one that fails keeps none of the others from it. */
export async function patchSessions(given: unknown, parts: ChatParts): Promise<object> {
  const { targets, patch } = PatchMany.parse(given);
  const outcomes = [];
  for (const target of targets) {
    const { key, agentId } = target;
    const named = agentId === undefined ? { key } : { key, agentId };
    try {
      await change(sessionOf(key, agentId, parts), patch, expectationOf(target), parts);
      outcomes.push({ ok: true, ...named });
    } catch (error) {
      if (!(error instanceof MethodError) && !(error instanceof GatewayError)) throw error;
      const failure = { code: "INVALID_REQUEST", message: error.message };
      outcomes.push({ ok: false, ...named, error: failure });
    }
  }
  return { outcomes };
}

async function change(
  { key, agentId }: Named,
  mutation: Mutation,
  expected: SessionExpectation,
  parts: ChatParts,
): Promise<SessionInfo> {
  const { model, thinkingLevel } = mutation;
  // Kept by its own name, whatever word it was called by.
  const level = typeof thinkingLevel === "string" ? thinkingIn(thinkingLevel) : thinkingLevel;
  if (typeof model === "string") await mustBeModel(agentId, model, parts);
  const at = parts.now();
  const info = await parts.store.sessions.patch(
    key,
    changeOf({ ...mutation, thinkingLevel: level }, at),
    at,
    expected,
  );
  const session = await rowOf(info, parts);
  tellChanged(parts, key, { reason: "patch", sessionId: info.sessionId, session });
  return info;
}

/** Pure. */
function changeOf({ label, archived, ...rest }: Mutation, at: number): SessionChange {
  const settings: Record<string, Setting | null> = {};
  for (const [name, value] of Object.entries(rest)) {
    // Off is what they are anyway.
    const isOff = value === false || value === "";
    if (value !== undefined) settings[name] = isOff && name !== "fastMode" ? null : value;
  }
  if (rest.pinned !== undefined) settings["pinnedAt"] = rest.pinned ? at : null;
  return { label: label === undefined ? undefined : (label?.trim() ?? null), archived, settings };
}

/** @throws MethodError for a model that nothing of ours can be asked for. */
async function mustBeModel(agentId: string, model: string, parts: ChatParts): Promise<void> {
  try {
    await parts.mustBeModel(agentId, model);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw new MethodError("INVALID_REQUEST", `model not allowed: ${model}`, {
      code: "MODEL_NOT_FOUND",
    });
  }
}

/** @throws MethodError for a revision that no gateway of ours has written. */
export function expectationOf(target: {
  readonly expectedSessionId?: string | undefined;
  readonly expectedLifecycleRevision?: string | undefined;
}): SessionExpectation {
  const { expectedSessionId: sessionId, expectedLifecycleRevision: lifecycle } = target;
  if (lifecycle === undefined) return { sessionId };
  const [ofSession = "", revision = ""] = lifecycle.split(":");
  if (!/^\d{1,15}$/.test(revision) || (sessionId ?? ofSession) !== ofSession) {
    throw new MethodError("INVALID_REQUEST", "session changed; reload and retry", {
      code: "SESSION_CHANGED",
    });
  }
  return { sessionId: ofSession, revision: Number(revision) };
}
