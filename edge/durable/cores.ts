import { CloseCode } from "../../shared/close-code.ts";
import { LIMITS } from "../../shared/limits.ts";
import { randomToken } from "../../shared/bytes.ts";
import { type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import type { GoAwayCode } from "../../shared/tunnel/frame.ts";
import type { Session } from "../../shared/tunnel/session.ts";
import { logLine } from "../log.ts";
import type { CallOf } from "../relay-call.ts";
import { CORE_TAG, readCore } from "./attachment.ts";
import { CoreLink, type LinkHandlers } from "./core-link.ts";
import { type Candidate, chooseWorkers, type Fence, judge, stickTo } from "./leadership.ts";

/** How requests are spread over cores that share the work. */
export interface Routing {
  readonly policy: "balanced" | "sticky";
  /** Sticky: requests with the same value of this header go to the same core. */
  readonly header?: string | undefined;
}

export interface CoresHost extends Omit<LinkHandlers, "onHello" | "onGoAway" | "onReady"> {
  /** Another core works, or one more: what waits for one may go on. */
  onWorkers(): void;
  fence(store: string): Fence | undefined;
  remember(fence: Fence): void;
  /** Whether a core worked here when this relay last knew: it may have died with one connected. */
  served(): boolean;
  serves(does: boolean): void;
  routing(): Routing | undefined;
}

/** Every core that is connected to this relay, and which of them works. */
export class Cores {
  readonly #ctx: DurableObjectState;
  readonly #host: CoresHost;
  readonly #links = new Map<WebSocket, CoreLink>();
  readonly #handlers: LinkHandlers;
  #workers: readonly CoreLink[] = [];
  /** Unix ms until which a request without a core waits for one. */
  #expectedUntil = 0;

  constructor(ctx: DurableObjectState, host: CoresHost) {
    this.#ctx = ctx;
    this.#host = host;
    this.#handlers = {
      ...host,
      onHello: (link) => this.#admit(link),
      onReady: (link) => this.#ready(link),
      onGoAway: (link) => {
        if (this.leads(link)) this.#expect(LIMITS.handoverMs);
        this.#elect();
      },
      onLost: (link) => this.#lost(link),
    };
    for (const socket of ctx.getWebSockets(CORE_TAG)) {
      const attachment = readCore(socket);
      if (attachment === undefined) socket.close(CloseCode.restart, "relay was updated");
      else this.#add(socket, new CoreLink(ctx, socket, attachment, this.#handlers));
    }
    this.#workers = this.#choose();
    if (this.#workers.length > 0 || !host.served()) return;
    // We died, and all connections with us: the core is about to dial again.
    this.#expect(LIMITS.reconnectGraceMs);
    host.serves(false);
  }

  /** The connection a message came on; undefined when it was replaced, or is a client's. */
  of(socket: WebSocket): CoreLink | undefined {
    return this.#links.get(socket);
  }

  all(): CoreLink[] {
    return [...this.#links.values()];
  }

  leads(link: CoreLink): boolean {
    return this.#workers.includes(link);
  }

  /**
   * The core for a piece of work; undefined while there is none.
   *
   * @param head - Of a request, for cores that share the work by one of its headers.
   */
  pick(now: number, head?: Fields): CoreLink | undefined {
    const [only, ...others] = this.#workers;
    const link = others.length === 0 ? only : this.#pickShared(head);
    if (link === undefined || (link.open && link.isAlive(now))) return link;
    if (link.open) {
      logLine("warn", { event: "core_dead", silentMs: now - link.lastSeenAt() });
      link.drop(CloseCode.goingAway, "no heartbeat");
    } else {
      this.#elect();
    }
    return this.pick(now, head);
  }

  session(now: number): Session | undefined {
    return this.pick(now)?.session;
  }

  /** Until when a request that finds no core should wait for one, Unix ms. */
  expectedUntil(now: number): number {
    const waiting = this.all().some((link) => link.candidate?.epoch === 0 && link.isAlive(now));
    return Math.max(this.#expectedUntil, waiting ? now + LIMITS.reconnectGraceMs : 0);
  }

  /** Unix ms of the last sign of life of any core that is connected; 0 without one. */
  lastSeenAt(): number {
    return Math.max(0, ...this.all().map((link) => link.lastSeenAt()));
  }

  /** Accepts the socket of a core. Of one process the newest wins: it may be back before it is gone. */
  accept(call: CallOf<"tunnel">, now: number): WebSocket {
    const { 0: theirs, 1: ours } = new WebSocketPair();
    const { kid, nonce, instance, host, colo, relay = "", relays = "" } = call;
    this.#sweep(now);
    for (const link of this.all()) {
      if (link.attachment.instance === instance) {
        link.supersede(CloseCode.replaced, "reconnected");
      }
    }
    this.#ctx.acceptWebSocket(ours, [CORE_TAG]);
    const attachment = {
      role: "core" as const,
      link: randomToken(9),
      kid,
      nonce,
      instance,
      host,
      colo,
      relay,
      relays,
      acceptedAt: now,
    };
    const link = new CoreLink(this.#ctx, ours, attachment, this.#handlers);
    this.#add(ours, link);
    link.persist();
    return theirs;
  }

  /** A core has got hold of its storage. @returns Why it may not work, or undefined. */
  lead(link: CoreLink, store: string, epoch: number): string | undefined {
    const { candidate } = link;
    if (candidate === undefined) return "no greeting yet";
    const refusal = this.#judge(link, { ...candidate, store, epoch });
    if (refusal !== undefined) return refusal;
    link.lead(store, epoch);
    this.#elect();
    return this.leads(link) ? undefined : "another core leads";
  }

  /** Ends every connection of a key that is not accepted any more. */
  revoke(kid: string, code: GoAwayCode): void {
    for (const link of this.all()) {
      if (link.attachment.kid === kid) link.supersede(CloseCode.revoked, "key revoked", code);
    }
  }

  #admit(link: CoreLink): string | undefined {
    const { candidate } = link;
    return candidate === undefined ? "no greeting yet" : this.#judge(link, candidate);
  }

  #judge(link: CoreLink, claim: Candidate): string | undefined {
    this.#sweep(Date.now());
    const leader = this.#workers.find((one) => one !== link && one.open && rivals(one, claim));
    const verdict = judge(claim, leader?.candidate, this.#host.fence(claim.store));
    if (verdict.verdict === "refused") return verdict.reason;
    if (verdict.verdict === "waits") return undefined;
    if (verdict.supersedes) {
      const reason = claim.epoch === undefined ? "another core took over" : "a later epoch leads";
      const code = claim.epoch === undefined ? CloseCode.replaced : CloseCode.notLeader;
      leader?.supersede(code, reason);
    }
    const { store, epoch, mode } = claim;
    if (mode !== "shared" && epoch !== undefined) this.#host.remember({ store, epoch });
    return undefined;
  }

  /** Another may have come while it was being welcomed. */
  #ready(link: CoreLink): void {
    const refusal = this.#admit(link);
    if (refusal === undefined) this.#elect();
    else link.supersede(CloseCode.notLeader, refusal);
  }

  /** Nobody else notices a core that is silent and has no work, or one that never says HELLO. */
  #sweep(now: number): void {
    for (const link of this.all()) {
      const { greeting, acceptedAt } = link.attachment;
      const isMute = greeting === undefined && now - acceptedAt > LIMITS.helloTimeoutMs;
      if (isMute || !link.isAlive(now)) link.drop(CloseCode.goingAway, "no heartbeat");
    }
  }

  #add(socket: WebSocket, link: CoreLink): void {
    this.#links.set(socket, link);
  }

  #lost(link: CoreLink): void {
    for (const [socket, other] of this.#links) if (other === link) this.#links.delete(socket);
    // One that was silent for a minute is not about to come back; one that went just now is.
    const now = Date.now();
    if (this.#workers.includes(link) && link.isAlive(now)) this.#expect(LIMITS.reconnectGraceMs);
    this.#host.onLost(link);
    this.#elect();
  }

  #expect(ms: number): void {
    this.#expectedUntil = Math.max(this.#expectedUntil, Date.now() + ms);
  }

  #elect(): void {
    const before = this.#workers;
    this.#workers = this.#choose();
    const [served, serves] = [before.length > 0, this.#workers.length > 0];
    if (served !== serves) this.#host.serves(serves);
    if (this.#workers.some((link) => !before.includes(link))) this.#host.onWorkers();
    // Nothing else tells a core that stays connected; it may have something to publish again.
    for (const link of this.all()) {
      if (before.includes(link) !== this.leads(link)) link.tell();
    }
  }

  #choose(): readonly CoreLink[] {
    const candidates = this.all().flatMap((link) => {
      const { candidate } = link;
      return link.open && candidate !== undefined ? [{ ...candidate, link }] : [];
    });
    return chooseWorkers(candidates, ({ link }) => this.#workers.includes(link)).map(
      ({ link }) => link,
    );
  }

  #pickShared(head: Fields | undefined): CoreLink | undefined {
    const routing = this.#host.routing();
    const name = routing?.header;
    const key = head === undefined || name === undefined ? undefined : fieldOf(head, name);
    if (routing?.policy === "sticky" && key !== undefined) {
      const candidates = this.#workers.flatMap((link) =>
        link.candidate === undefined ? [] : [{ ...link.candidate, link }],
      );
      return stickTo(candidates, key)?.link;
    }
    return this.#workers.reduce<CoreLink | undefined>(
      (best, link) => (best === undefined || link.session.busy < best.session.busy ? link : best),
      undefined,
    );
  }
}

/** Whether a core that works is in the way of one that wants to, and not only its stand-in. */
function rivals({ candidate }: CoreLink, claim: Candidate): boolean {
  if (candidate?.mode === "standby") return candidate.store === claim.store;
  return candidate?.mode === "leader";
}
