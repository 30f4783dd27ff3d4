import type { Logger } from "pino";
import type { EdgeBundle } from "../../../shared/edge-bundle.ts";
import { systemClock } from "../../channels/clock.ts";
import { EndedRuns } from "../../conversation/ended-runs.ts";
import type { ClientInfo } from "../../methods/method.ts";
import { Life } from "../../methods/system/life.ts";
import { Stability } from "../../methods/system/stability.ts";
import { Suspension } from "../../methods/system/suspension.ts";
import { ResumeSessions } from "../../resume/sessions.ts";
import type { Store } from "../../store/store.ts";
import { Connections } from "../rpc/connections.ts";
import type { Leader } from "./leader.ts";
import { presenceOf } from "../methods/operations.ts";
import { Seat } from "./seat.ts";

/** When clients who were sent away for a restart find us again: the contract's own figure. */
const RESTART_EXPECTED_MS = 1_500;
/** What everybody who holds the old shared credential is closed with. */
const CREDENTIAL_CHANGED = 4001;

/** What outlives a leader within one process: its clients, and the place they find it at. */
export class Office implements Disposable {
  /** Of the edge only: on our own port there is no relay that could be lost. */
  readonly resumed = new ResumeSessions();
  /** Of this process, and of those before it. */
  readonly life: Life;
  readonly stability = new Stability(systemClock.now);
  /** How runs ended that are kept nowhere else. */
  readonly endedRuns = new EndedRuns(systemClock.now);
  readonly presence;
  readonly connections: Connections;
  readonly seat: Seat;
  /** Goes on whoever leads, until it is over. */
  readonly suspension: Suspension;

  /** @param bundle - What the edge must know before anybody leads. */
  constructor(version: string, bundle: () => EdgeBundle) {
    const presence = presenceOf(version, systemClock.now);
    this.presence = presence;
    this.life = new Life(version, systemClock.now);
    this.connections = new Connections(undefined, {
      onJoin: (client) => presence.join(client),
      onLeave: (client) => presence.leave(client),
    });
    this.seat = new Seat(bundle);
    this.suspension = new Suspension(systemClock.now, (phase) =>
      this.connections.publish("gateway.suspension", { phase }),
    );
  }

  /** From now on new work waits, for this leader or for the one after it; all else goes on. */
  hold(leader: Leader): void {
    leader.hold(true);
    this.connections.hold();
    this.seat.hold();
  }

  /** What waits is begun by this leader after all. */
  release(leader: Leader): void {
    leader.hold(false);
    this.connections.release();
    this.seat.release();
  }

  /** The state is ours from now on: what was left there for us is taken up. */
  async open(store: Store): Promise<void> {
    await Promise.all([this.suspension.recall(store), this.life.begin(store)]);
    const { isAfterCrash, starts, previous } = this.life.facts;
    if (isAfterCrash) this.stability.note("gateway.crashed", { previous });
    this.stability.note("gateway.started", { starts });
  }

  /** Lets a leader finish, while what comes waits for the next one. */
  async retire(leader: Leader, deadlineMs: number, log: Logger): Promise<void> {
    // Whatever fails on the way out, somebody has to come in: what waits must not wait for ever.
    const failed = (err: unknown): void => log.error({ err }, "a part did not end well");
    this.connections.pause();
    this.seat.vacate();
    await leader.drain(deadlineMs).catch(failed);
    const reason = "gateway restarting";
    // Those who do not go are waited for by nobody.
    void leader.leave({ reason, restartExpectedMs: RESTART_EXPECTED_MS });
    await Promise.resolve(leader[Symbol.asyncDispose]()).catch(failed);
  }

  /** Whoever came in with the shared credential may not know the new one; devices have their own. */
  credentialChanged(): void {
    this.connections.closeThose(isShared, CREDENTIAL_CHANGED, "gateway auth changed");
  }

  [Symbol.dispose](): void {
    this.resumed[Symbol.dispose]();
    this.stability[Symbol.dispose]();
  }
}

function isShared({ deviceId }: ClientInfo): boolean {
  return deviceId === undefined;
}
