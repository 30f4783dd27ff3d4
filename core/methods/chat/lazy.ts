import { lazyMethods } from "../lazy.ts";
import type { NamedMethod } from "../method.ts";
import type { ChatParts } from "./parts.ts";
import { CHAT_SCOPES } from "./scopes.ts";

/** The methods of chats, agents' turns, sessions and messages, loaded when one is first called. */
export function lazyChatMethods(parts: ChatParts): readonly NamedMethod[] {
  return lazyMethods(CHAT_SCOPES, async () => {
    const { chatCalls } = await import("./methods.ts");
    return Object.entries(chatCalls(parts)).map(([name, call]) => [name, { call }] as const);
  });
}
