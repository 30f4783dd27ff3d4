import { join } from "node:path";
import type { AgentDirectory } from "../../agents/directory.ts";
import type { Channel } from "../../channels/channel.ts";
import type { Engine } from "../../conversation/engine.ts";
import { lazyChatMethods } from "../../methods/chat/lazy.ts";
import { tellRuns } from "../../methods/chat/run-events.ts";
import type { NamedMethod } from "../../methods/method.ts";
import type { Store } from "../../store/store.ts";
import type { EventHub } from "../../methods/events.ts";
import type { Connections } from "../rpc/connections.ts";

export interface ChatDeskParts {
  readonly engine: Engine;
  readonly store: Pick<Store, "sessions">;
  readonly directory: AgentDirectory;
  readonly channel: (id: string) => Channel | undefined;
  readonly connections: Connections;
  /** Tells clients, and hooks of what becomes of sessions. */
  readonly hub: EventHub;
  readonly stateDir: string;
  /** Unix ms. */
  readonly now: () => number;
}

/** Chats, sessions and runs, for clients. Clients hear of runs until it is disposed of. */
export interface ChatDesk extends Disposable {
  readonly methods: readonly NamedMethod[];
}

export function createChatDesk(parts: ChatDeskParts): ChatDesk {
  const { engine, store, directory, channel, connections, hub, stateDir, now } = parts;
  const told = tellRuns({
    engine,
    store,
    hub,
    isHeard: () => connections.clients.length > 0,
    now,
  });
  const methods = lazyChatMethods({
    engine,
    store,
    agents: () => directory,
    mustBeModel: (agentId, model) => directory.settingsFor(agentId, model),
    channel,
    hub,
    path: join(stateDir, "sallyport.sqlite"),
    now,
  });
  return { methods, [Symbol.dispose]: () => told[Symbol.dispose]() };
}
