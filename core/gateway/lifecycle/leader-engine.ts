import type { Logger } from "pino";
import type { Channel } from "../../channels/channel.ts";
import type { Clock } from "../../channels/clock.ts";
import type { EndedRuns } from "../../conversation/ended-runs.ts";
import { type Engine, startEngine } from "../../conversation/engine.ts";
import { type Automation, createAutomation } from "../../cron/automation.ts";
import type { Store } from "../../store/store.ts";
import { accessTo, routeOf } from "../chat-policy.ts";
import type { Connections } from "../rpc/connections.ts";
import { webhookHandlers, webhookSenders } from "../webhooks.ts";
import type { Prepared } from "./prepared.ts";

export interface LeaderEngineParts {
  readonly prepared: Prepared;
  readonly store: Store;
  readonly connections: Connections;
  /** Known whoever leads. */
  readonly endedRuns: EndedRuns;
  readonly channel: (id: string) => Channel | undefined;
  /** False while nothing of what waits may be begun. */
  readonly mayBegin: () => boolean;
  readonly clock: Clock;
  /** Aborts when nothing new is to be begun. */
  readonly stop: AbortSignal;
  readonly log: Logger;
}

/** What a leader works with: turns from everywhere, and what makes turns by itself. */
export function startLeaderEngine(parts: LeaderEngineParts): {
  readonly engine: Engine;
  readonly automation: Automation;
} {
  const { prepared, store, connections, channel, mayBegin, endedRuns, clock, stop, log } = parts;
  const { ingress, directory } = prepared;
  const { random } = Math;
  const automation = createAutomation({
    store,
    engine: () => engine,
    settings: prepared.settings,
    channels: () => prepared.channels.map(({ id }) => id),
    publish: (event, payload) => connections.publish(event, payload),
    mayBegin,
    clock,
    stop,
    log,
  });
  const engine = startEngine({
    store,
    systemNotes: automation.systemNotes,
    mayBegin,
    agent: (id, ref, sessionKey) => directory.settingsFor(id, ref, sessionKey),
    channel,
    senders: webhookSenders({ store, ingress, clock }),
    access: (id) => accessTo(id, prepared.settings()),
    route: (message) => routeOf(prepared.settings(), directory.defaultId(), message),
    endedRuns,
    turnTimeoutMs: () => prepared.settings().limits.turnTimeoutMs,
    queue: () => prepared.settings().config.messages.queue,
    handlers: new Map([
      ...automation.handlers,
      ...webhookHandlers({ ingress, store, clock, random, log: log.child({ part: "forward" }) }),
    ]),
    clock,
    random,
    log,
  });
  return { engine, automation };
}
