import type { Method, NamedMethod } from "../method.ts";
import type { ChatParts } from "./parts.ts";
import { CHAT_SCOPES, type ChatMethodName } from "./scopes.ts";

/** The methods of chats, agents' turns, sessions and messages, loaded when one is first called. */
export function lazyChatMethods(parts: ChatParts): readonly NamedMethod[] {
  let loaded: Promise<Readonly<Record<ChatMethodName, Method["call"]>>> | undefined;
  const method = (name: ChatMethodName): Method => ({
    scope: CHAT_SCOPES[name],
    async call(params, context) {
      loaded ??= load(parts);
      return (await loaded)[name](params, context);
    },
  });
  return NAMES.map((name): NamedMethod => [name, method(name)]);
}

const NAMES: readonly ChatMethodName[] = Object.keys(CHAT_SCOPES).filter(isName);

function isName(name: string): name is ChatMethodName {
  return Object.hasOwn(CHAT_SCOPES, name);
}

async function load(parts: ChatParts): Promise<Readonly<Record<ChatMethodName, Method["call"]>>> {
  const { chatCalls } = await import("./methods.ts");
  return chatCalls(parts);
}
