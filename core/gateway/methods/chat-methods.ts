import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { AgentDirectory } from "../../agents/directory.ts";
import type { Place } from "../../agents/turn-scope.ts";
import { NO_COMMANDS_SET } from "../../channels/allow-list.ts";
import type { Channel } from "../../channels/channel.ts";
import { standingOf } from "../../conversation/commands/standing.ts";
import type { Engine } from "../../conversation/engine.ts";
import { lazyChatMethods } from "../../methods/chat/lazy.ts";
import { tellRuns } from "../../methods/chat/run-events.ts";
import { messageTool } from "../../methods/tools/message-tool.ts";
import { sessionTools } from "../../methods/tools/session-tools.ts";
import type { NamedMethod } from "../../methods/method.ts";
import type { Store } from "../../store/store.ts";
import type { EventHub } from "../../methods/events.ts";
import { accessTo } from "../chat-policy.ts";
import type { Connections } from "../rpc/connections.ts";
import { commandHost, type CommandHostParts } from "./command-host.ts";

export interface ChatDeskParts extends Pick<
  CommandHostParts,
  "prepared" | "version" | "startedAt" | "tunnel"
> {
  readonly engine: Engine;
  readonly store: Pick<Store, "sessions" | "usage">;
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
  engine.commands.attach(commandHost(parts));
  directory.equip([
    ...sessionTools({ sessions: store.sessions, runs: engine.runs, directory, now }),
    messageTool({
      sessions: store.sessions,
      hasChannel: (id) => channel(id) !== undefined,
      tell: (notice) => engine.tell(notice),
      now,
      newId: randomUUID,
    }),
  ]);
  directory.knowOwner((place) => isOwners(place, parts));
  const told = tellRuns({
    engine,
    store,
    hub,
    contextWindowOf: (ref) => directory.facts(ref).contextWindow,
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

/** In a direct conversation whoever speaks is named like it. */
async function isOwners(
  { channel, conversation }: Place,
  { engine, prepared }: Pick<ChatDeskParts, "engine" | "prepared">,
): Promise<boolean> {
  const { allowFrom, commands = NO_COMMANDS_SET } = accessTo(channel, prepared.settings());
  const first = await engine.pairing.firstOf(channel);
  return standingOf({ channel, sender: conversation }, commands, { allowFrom, first }) === "owner";
}
