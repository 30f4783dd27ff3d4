/** What it takes to call each method. Known before the methods are loaded. Pure. */
import * as z from "zod";
import { commandOf, isChange } from "../../conversation/commands/parse.ts";
import type { Method, OperatorScope } from "../method.ts";
import { resetOf } from "./commands.ts";

const Asked = z.looseObject({});

/** @returns The names of what was asked for. */
function namesIn(params: unknown): readonly string[] {
  const given = Asked.safeParse(params).data ?? {};
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}

const Message = z.object({ message: z.string() });

/** To change a session by a word takes the right to do so; a chat takes more words than others. */
function changes(params: unknown, by: "chat" | "turn"): boolean {
  const { data } = Message.safeParse(params);
  if (data === undefined) return false;
  return by === "chat" ? isChange(commandOf(data.message)) : resetOf(data.message) !== undefined;
}

function adminFor(names: readonly string[], params: unknown): OperatorScope {
  const asksForMore = namesIn(params).some((name) => names.includes(name));
  return asksForMore || changes(params, "turn") ? "operator.admin" : "operator.write";
}

/** How a session is shown to people: changing it changes nothing of what an agent does. */
const COSMETIC: ReadonlySet<string> = new Set([
  "key",
  "agentId",
  "expectedSessionId",
  "expectedLifecycleRevision",
  "label",
  "icon",
  "color",
  "category",
  "boardFace",
  "statusNote",
  "archived",
  "pinned",
  "unread",
]);

function patchScope(params: unknown): OperatorScope {
  return namesIn(params).every((name) => COSMETIC.has(name)) ? "operator.write" : "operator.admin";
}

/** Removing what was put away already is housekeeping; all else takes the right to do so. */
function deleteScope(params: unknown): OperatorScope {
  const { success } = z.object({ archivedOnly: z.literal(true) }).safeParse(params);
  return success ? "operator.write" : "operator.admin";
}

export const CHAT_SCOPES = {
  "chat.send": (params) => (changes(params, "chat") ? "operator.admin" : "operator.write"),
  "chat.history": "operator.read",
  "chat.startup": "operator.read",
  "chat.metadata": "operator.read",
  "chat.message.get": "operator.read",
  "chat.abort": "operator.write",
  "chat.inject": "operator.admin",
  agent: (params) => adminFor(["model", "provider", "extraSystemPrompt"], params),
  "agent.wait": "operator.write",
  "sessions.list": "operator.read",
  "sessions.describe": "operator.read",
  "sessions.resolve": "operator.read",
  "sessions.preview": "operator.read",
  "sessions.search": "operator.read",
  "sessions.usage": "operator.read",
  "sessions.usage.timeseries": "operator.read",
  "sessions.usage.logs": "operator.read",
  "sessions.create": (params) => adminFor(["model"], params),
  "sessions.patch": patchScope,
  "sessions.patchMany": (params) =>
    patchScope(z.object({ patch: z.unknown() }).safeParse(params).data?.patch),
  "sessions.reset": "operator.admin",
  "sessions.delete": deleteScope,
  "sessions.compact": "operator.admin",
  "sessions.fork": "operator.write",
  "sessions.abort": "operator.write",
  "sessions.send": "operator.write",
  "sessions.subscribe": "operator.read",
  "sessions.unsubscribe": "operator.read",
  "sessions.messages.subscribe": "operator.read",
  "sessions.messages.unsubscribe": "operator.read",
  send: "operator.write",
  "message.action": "operator.write",
} as const satisfies Readonly<Record<string, Method["scope"]>>;

export type ChatMethodName = keyof typeof CHAT_SCOPES;
