import * as list from "../sessions/list.ts";
import { patchSession, patchSessions } from "../sessions/patch.ts";
import * as read from "../sessions/read.ts";
import { usageLogs, usageTimeseries } from "../sessions/session-usage.ts";
import { sessionsUsage } from "../sessions/usage.ts";
import * as write from "../sessions/write.ts";
import { actOnMessage, sendMessage } from "../send/send.ts";
import { covers, type Method } from "../method.ts";
import { runAgentTurn, waitForRun } from "./agent.ts";
import { chatAbort, chatInject } from "./control.ts";
import * as history from "./history.ts";
import type { ChatParts } from "./parts.ts";
import type { ChatMethodName } from "./scopes.ts";
import { ChatSender } from "./send.ts";

/** What each of them does. */
export function chatCalls(parts: ChatParts): Readonly<Record<ChatMethodName, Method["call"]>> {
  const sender = new ChatSender(parts);
  return {
    "chat.send": (params, { client }) =>
      sender.call(params, covers(client.scopes, "operator.admin")),
    "chat.history": (params) => history.chatHistory(params, parts),
    "chat.startup": (params) => history.chatStartup(params, parts),
    "chat.metadata": () => history.chatMetadata(parts),
    "chat.message.get": (params) => history.chatMessage(params, parts),
    "chat.abort": (params) => chatAbort(params, parts),
    "chat.inject": (params) => chatInject(params, parts),
    agent: (params, context) => runAgentTurn(params, context, parts),
    "agent.wait": (params, context) => waitForRun(params, context, parts),
    "sessions.list": (params) => list.listSessions(params, parts),
    "sessions.describe": (params) => list.describeSession(params, parts),
    "sessions.resolve": (params) => read.resolveSession(params, parts),
    "sessions.preview": (params) => read.previewSessions(params, parts),
    "sessions.search": (params) => read.searchSessions(params, parts),
    "sessions.usage": (params) => sessionsUsage(params, parts),
    "sessions.usage.timeseries": (params) => usageTimeseries(params, parts),
    "sessions.usage.logs": (params) => usageLogs(params, parts),
    "sessions.create": (params) => write.createSession(params, parts),
    "sessions.patch": (params) => patchSession(params, parts),
    "sessions.patchMany": (params) => patchSessions(params, parts),
    "sessions.reset": (params) => write.resetSession(params, parts),
    "sessions.delete": (params) => write.deleteSession(params, parts),
    "sessions.compact": (params, context) => write.compactSession(params, context, parts),
    "sessions.fork": (params) => write.forkSession(params, parts),
    "sessions.abort": (params) => write.abortSession(params, parts),
    "sessions.send": (params) => write.sendToSession(params, parts),
    "sessions.subscribe": (_params, context) => write.followList(context, true),
    "sessions.unsubscribe": (_params, context) => write.followList(context, false),
    "sessions.messages.subscribe": (params, context) =>
      write.followMessages(params, context, parts, true),
    "sessions.messages.unsubscribe": (params, context) =>
      write.followMessages(params, context, parts, false),
    send: (params) => sendMessage(params, parts),
    "message.action": (params) => actOnMessage(params, parts),
  };
}
