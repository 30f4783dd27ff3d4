import * as z from "zod";
import type { RunOrder, RunState } from "../../conversation/run.ts";
import type { SessionInfo } from "../../store/session.ts";
import { MethodError } from "../method.ts";
import { attached, Attachments } from "./attachments.ts";
import { commandOf } from "./commands.ts";
import { type ChatParts, mustMaySend, type Named, sessionOf, tellChanged } from "./parts.ts";
import { assistantMessage, messageIdOf } from "./wire.ts";

/** Commands that were carried out: the same key again does not carry them out again. */
const MAX_REMEMBERED = 256;

const Name = z.string().min(1);
/** `sessionKey` is looked at apart: a client without one is told so in words of its own. */
const ChatSend = z.strictObject({
  sessionKey: z.string().min(1).max(512),
  agentId: Name.optional(),
  sessionId: Name.optional(),
  message: z.string(),
  intent: z.unknown().optional(),
  thinking: z.string().optional(),
  fastMode: z.unknown().optional(),
  fastAutoOnSeconds: z.int().min(1).optional(),
  queueMode: z.enum(["steer", "followup", "collect", "interrupt"]).optional(),
  deliver: z.boolean().optional(),
  originatingChannel: z.string().optional(),
  originatingTo: z.string().optional(),
  originatingAccountId: z.string().optional(),
  originatingThreadId: z.string().optional(),
  replyToId: Name.optional(),
  attachments: Attachments,
  toolBindings: z.unknown().optional(),
  timeoutMs: z.int().min(0).optional(),
  systemInputProvenance: z.unknown().optional(),
  systemProvenanceReceipt: z.string().optional(),
  suppressCommandInterpretation: z.boolean().optional(),
  expectedLeafEntryId: Name.nullable().optional(),
  expectedSessionRoutingContract: Name.optional(),
  expectedPermissionMode: z.string().nullable().optional(),
  expectedToolOverrides: z.unknown().optional(),
  idempotencyKey: z.string().min(1).max(256),
});
type ChatSend = z.output<typeof ChatSend>;

/** `chat.send`: one message of a person, answered in events. */
export class ChatSender {
  readonly #parts: ChatParts;
  readonly #remembered = new Map<string, object>();

  constructor(parts: ChatParts) {
    this.#parts = parts;
  }

  async call(given: unknown): Promise<object> {
    mustNameSession(given, "chat.send");
    const params = ChatSend.parse(given);
    const session = sessionOf(params.sessionKey, params.agentId, this.#parts);
    const command =
      params.suppressCommandInterpretation === true ? undefined : commandOf(params.message);
    if (command?.do === "stop") return this.#stop(session);
    if (command?.do === "reset") return this.#reset(session, params, command.rest);
    return this.#send(session, params, params.message);
  }

  async #stop({ key }: Named): Promise<object> {
    const runIds = await this.#parts.engine.runs.abort({ sessionKey: key });
    return { ok: true, aborted: runIds.length > 0, runIds };
  }

  async #reset(session: Named, params: ChatSend, rest: string): Promise<object> {
    const { engine, hub, now } = this.#parts;
    const { idempotencyKey: runId } = params;
    const before = await engine.runs.find(runId);
    if (before !== undefined) return answerOf(before);
    const known = this.#remembered.get(runId);
    if (known !== undefined) return known;
    await engine.sessions.reset(session.key);
    this.#remember(runId, { runId, status: "ok" });
    tellChanged(this.#parts, session.key, { reason: "reset" });
    if (rest !== "")
      return this.#send(session, { ...params, expectedLeafEntryId: undefined }, rest);
    const message = assistantMessage("A new session has begun.", now());
    const named = { runId, sessionKey: session.key, agentId: session.agentId, seq: 1 };
    hub.publish("chat", { ...named, state: "final", stopReason: "stop", message });
    return { runId, status: "started" };
  }

  async #send({ key }: Named, params: ChatSend, text: string): Promise<object> {
    const { engine } = this.#parts;
    const { images, text: files } = attached(params.attachments);
    const message = [text, files].filter((part) => part !== "").join("\n\n");
    if (message.trim() === "" && images.length === 0) {
      throw new MethodError("INVALID_REQUEST", "message or attachment required");
    }
    const order = {
      id: params.idempotencyKey,
      kind: "chat",
      sessionKey: key,
      message,
      images: images.length === 0 ? undefined : images,
      deliver: await this.#check(key, params),
      timeoutMs: params.timeoutMs === 0 ? undefined : params.timeoutMs,
    } as const;
    const { fresh, run } = await engine.runs.start(order);
    return fresh ? { runId: run.id, status: "started" } : answerOf(run);
  }

  /** @returns Where the answer goes besides the session. */
  async #check(key: string, params: ChatSend): Promise<RunOrder["deliver"]> {
    const { store, engine } = this.#parts;
    const info = await store.sessions.find(key);
    mustMaySend(info);
    const moved = movedFrom(params, info);
    // A message sent again is answered by what became of it, wherever the session is by now.
    if (moved !== undefined && (await engine.runs.find(params.idempotencyKey)) === undefined) {
      const why = "session changed; reload the history and retry";
      throw new MethodError("INVALID_REQUEST", why, { code: moved });
    }
    return this.#deliveryOf(params, info?.origin);
  }

  #deliveryOf(params: ChatSend, origin: SessionInfo["origin"]): RunOrder["deliver"] {
    if (params.deliver !== true) return undefined;
    const to = params.originatingTo ?? origin?.conversation;
    const by = params.originatingChannel ?? origin?.channel;
    const isKnown = by !== undefined && this.#parts.channel(by) !== undefined;
    return isKnown && to !== undefined ? { channel: by, to } : undefined;
  }

  #remember(key: string, answer: object): void {
    this.#remembered.set(key, answer);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined) {
      this.#remembered.delete(oldest);
    }
  }
}

/** @throws MethodError that says in the protocol's words that a session is missing. */
export function mustNameSession(params: unknown, method: string): void {
  const named = z.object({ sessionKey: z.string().min(1) }).safeParse(params);
  if (named.success) return;
  throw new MethodError("INVALID_REQUEST", "session mutation target is unavailable", {
    code: "SESSION_MUTATION_TARGET_REQUIRED",
    method,
  });
}

/** In what a session is another one than the client has before it. Pure. */
function movedFrom(params: ChatSend, info: SessionInfo | undefined): string | undefined {
  const { sessionId, expectedLeafEntryId: leaf } = params;
  if (sessionId !== undefined && sessionId !== (info?.sessionId ?? sessionId)) {
    return "SESSION_CHANGED";
  }
  const count = info?.messageCount ?? 0;
  const newest = info === undefined || count === 0 ? null : messageIdOf(info, count);
  return leaf === undefined || leaf === newest ? undefined : "SESSION_LEAF_CHANGED";
}

/** What a client hears that sends a message again. */
function answerOf({ id: runId, status, error }: RunState): object {
  if (status === "queued" || status === "running") return { runId, status: "in_flight" };
  if (status === "ok") return { runId, status: "ok" };
  const summary = error?.message ?? "aborted";
  return { runId, status: "error", summary };
}
