import type { Engine } from "../../conversation/engine.ts";
import type { Automation } from "../../cron/automation.ts";
import { lazyApprovalMethods } from "../../methods/approvals/lazy.ts";
import { configMethods } from "../../methods/config/lazy.ts";
import { channelPairingMethods } from "../../methods/devices/channel-pairing.ts";
import type { Methods, NamedMethod } from "../../methods/method.ts";
import type { ChannelRunner } from "../lifecycle/channel-runner.ts";
import type { LeaderParts } from "../lifecycle/leader-parts.ts";
import { beginsAnew, reloadKind } from "../lifecycle/reload-kind.ts";
import { automationMethods } from "./automation-methods.ts";
import { managementOf } from "./management.ts";
import { pairingMethods } from "./pairing-methods.ts";
import type { RelayReports } from "./relay-reports.ts";
import { tunnelMethods } from "./tunnel-methods.ts";

/** What answers calls besides the parts of the leader itself. */
export interface MethodSources {
  readonly leader: LeaderParts;
  readonly engine: Engine;
  readonly automation: Automation;
  readonly runner: ChannelRunner;
  readonly reports: RelayReports;
  /** Of parts that bring their own: operations, devices, webhooks, chats. */
  readonly others: readonly (readonly NamedMethod[])[];
  /** Unix ms. */
  readonly now: () => number;
}

/** All methods of a leader. */
export function leaderMethods(sources: MethodSources): Methods {
  const { engine, automation, runner, reports, others, now } = sources;
  const { settings, prepared, version, store, tunnel, connections } = sources.leader;
  const { directory } = prepared;
  const { mode, stateDir } = settings;
  return new Map([
    ...others.flat(),
    ...pairingMethods(engine.pairing),
    ...channelPairingMethods({
      pairing: engine.pairing,
      channels: () => prepared.channels.map(({ id }) => id),
    }),
    ...lazyApprovalMethods({ store, hub: connections, stateDir, now }),
    ...tunnelMethods({ tunnel, reports, mode, lease: store.lease, now }),
    ...configMethods({
      settings: prepared.settings,
      reload: sources.leader.reload,
      announce: sources.leader.announce,
      pendingRestart: sources.leader.pendingRestart,
      reloadKind,
      beginsAnew,
      version,
      now,
    }),
    ...automationMethods({ automation, store, settings: prepared.settings, directory, now }),
    ...managementOf(prepared, runner, store.usage, now),
  ]);
}
