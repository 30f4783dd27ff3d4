import * as z from "zod";
import { type Command, commandOf } from "../../conversation/commands/parse.ts";
import type { RunOrder, RunState } from "../../conversation/run.ts";
import type { SessionInfo } from "../../store/session.ts";
import { MethodError } from "../method.ts";
import { attached, Attachments } from "./attachments.ts";
import { ChatCommands } from "./commands.ts";
import { type ChatParts, mustMaySend, type Named, sessionOf, thinkingIn } from "./parts.ts";
import { messageIdOf } from "./wire.ts";

const Name = z.string().min(1);
/** `sessionKey` is looked at apart: a client without one is told so in words of its own. */
const ChatSend = z.strictObject({
  sessionKey: z.string().min(1).max(512),
  agentId: Name.optional(),
  sessionId: Name.optional(),
  message: z.string(),
  intent: z.unknown().optional(),
  thinking: z.string().optional(),
  fastMode: z.union([z.boolean(), z.literal("auto")]).optional(),
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
interface ChatSend extends z.output<typeof ChatSend> {
  readonly asOwner: boolean;
}

/** `chat.send`: one message of a person, answered in events. */
export class ChatSender {
  readonly #parts: ChatParts;
  readonly #commands: ChatCommands;

  constructor(parts: ChatParts) {
    this.#parts = parts;
    this.#commands = new ChatCommands(parts);
  }

  /** @param asOwner - Whether the client has all the rights that the gateway's owner has. */
  async call(given: unknown, asOwner: boolean): Promise<object> {
    mustNameSession(given, "chat.send");
    const params = { ...ChatSend.parse(given), asOwner };
    const session = sessionOf(params.sessionKey, params.agentId, this.#parts);
    const command =
      params.suppressCommandInterpretation === true ? undefined : commandOf(params.message);
    if (command === undefined) return this.#send(session, params, params.message);
    const isStop = command.do === "run" && command.spec.name === "stop";
    return isStop ? this.#stop(session) : this.#command(command, session, params);
  }

  async #stop({ key }: Named): Promise<object> {
    const runIds = await this.#parts.engine.runs.abort({ sessionKey: key });
    return { ok: true, aborted: runIds.length > 0, runIds };
  }

  async #command(command: Command, session: Named, params: ChatSend): Promise<object> {
    const { idempotencyKey: runId } = params;
    const before = await this.#parts.engine.runs.find(runId);
    if (before !== undefined) return answerOf(before);
    const made = await this.#commands.run(command, session, runId);
    if (made.do === "answer") return made.answer;
    // The session that the client had before it is over, by its own wish.
    const anew = { ...params, sessionId: undefined, expectedLeafEntryId: undefined };
    return this.#send(session, anew, made.text);
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
      asOwner: params.asOwner,
      deliver: await this.#check(key, params),
      timeoutMs: params.timeoutMs === 0 ? undefined : params.timeoutMs,
      thinking: params.thinking ? thinkingIn(params.thinking) : undefined,
      fast: typeof params.fastMode === "boolean" ? params.fastMode : undefined,
      queueMode: params.queueMode,
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
