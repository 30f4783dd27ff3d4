import { CloseCode } from "../../shared/close-code.ts";
import { LIMITS } from "../../shared/limits.ts";
import { type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import { ResetCode } from "../../shared/tunnel/frame.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import type { StreamEvent } from "../../shared/tunnel/stream-event.ts";
import { logLine } from "../log.ts";
import type { CallOf } from "../relay-call.ts";
import { CLIENT_TAG, type ClientAttachment, readClient, streamTag } from "./attachment.ts";
import { Client, type ClientHost, MOVES } from "./client.ts";
import type { CoreLink } from "./core-link.ts";
import type { Keeper } from "./keeper.ts";

/** Longer heads do not survive their core: they would not fit beside all else in an attachment. */
const MAX_META_LENGTH = 6_000;
/** Source: the gateway contract, for a client whose token or password is one no more. */
const AUTH_CHANGED = 4001;
/** Beside the protocol's own fields, what the next core may want to know of a client. */
const KEPT_HEADERS: ReadonlySet<string> = new Set(["origin", "user-agent"]);

export interface ClientsHost {
  /** The core that takes up clients without one. */
  worker(): CoreLink | undefined;
  works(link: CoreLink): boolean;
  linkOf(id: string): CoreLink | undefined;
  /** Wakes the relay at `at` (Unix ms), unless it will wake sooner. */
  wakeAt(at: number): void;
  readonly keeper: Keeper;
}

/** Clients' WebSockets, those of a sleep ago included. */
export class Clients {
  readonly #ctx: DurableObjectState;
  readonly #host: ClientsHost;
  readonly #known = new Map<WebSocket, Client>();
  readonly #byStream = new WeakMap<Stream, Client>();
  readonly #clientHost: ClientHost;
  readonly #budget = { held: 0 };
  /** Clients that lost their core in this turn: they are handed over together. */
  #moving = false;
  /** Every client of before the last sleep has been taken up again. */
  #complete = false;

  constructor(ctx: DurableObjectState, host: ClientsHost) {
    this.#ctx = ctx;
    this.#host = host;
    this.#clientHost = {
      budget: this.#budget,
      behind: { bytes: 0 },
      keeper: host.keeper,
      onOrphan: () => this.#move(),
      onGone: (client) => {
        this.#known.delete(client.socket);
      },
    };
  }

  /** Bytes of messages that wait for a core. */
  get heldBytes(): number {
    return this.#budget.held;
  }

  get count(): number {
    return this.#ctx.getWebSockets(CLIENT_TAG).length;
  }

  /** How many a core has. */
  countOf(link: CoreLink): number {
    return this.#all().filter((client) => client.link === link.id).length;
  }

  /** The core has accepted a client: from here on it ends here. @returns The client's end. */
  accept(
    link: CoreLink,
    stream: Stream,
    { head, digest, isPassing }: Pick<CallOf<"websocket">, "head" | "digest" | "isPassing">,
    answer: Fields,
  ): WebSocket {
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.#ctx.acceptWebSocket(ours, [CLIENT_TAG, streamTag(link.id, stream.id)]);
    const survives = link.reattaches && fieldOf(answer, ":survives") === "1";
    const meta = survives ? metaOf(head, answer) : undefined;
    const attachment: ClientAttachment = {
      role: "client",
      link: link.id,
      stream: stream.state,
      count: 0,
      ...(isPassing === true ? {} : { digest }),
      ...(meta === undefined ? {} : { meta }),
    };
    const client = new Client(ours, attachment, this.#clientHost);
    this.#known.set(ours, client);
    this.#byStream.set(stream, client);
    client.attach(stream, link.id, survives);
    return theirs;
  }

  /** A stream of before the relay slept: its socket knows it. */
  resume(link: CoreLink, id: number): Stream | undefined {
    if (this.#complete) return undefined;
    const [socket] = this.#ctx.getWebSockets(streamTag(link.id, id));
    const tagged = socket === undefined ? undefined : this.of(socket);
    if (tagged?.stream?.id === id && tagged.link === link.id) return tagged.stream;
    // One that was re-attached has another id than its tag says.
    const client = this.#all().find((one) => one.link === link.id && one.stream?.id === id);
    return client?.stream;
  }

  /** What is kept of a stream has changed. */
  changed(stream: Stream): void {
    this.#byStream.get(stream)?.changed();
  }

  /** A core is gone, and knows its clients no more. */
  coreLost(link: CoreLink): void {
    const now = Date.now();
    for (const client of this.#all()) if (client.link === link.id) client.orphan(now);
  }

  /** Another core works: clients without one go to it, and those of a core that does so no more. */
  moveToWorkers(): void {
    const now = Date.now();
    for (const client of this.#all()) {
      const link = this.#host.linkOf(client.link);
      // Who goes away keeps its clients until it is gone: it may have answers for them.
      const stays = link !== undefined && (this.#host.works(link) || !link.open);
      if (client.link !== "" && !stays) client.orphan(now);
    }
    this.#handOver();
  }

  /** Closes clients that have waited too long for a core. @returns When to look again, Unix ms. */
  expire(now: number): number | undefined {
    let next: number | undefined;
    for (const client of this.#all()) {
      if (client.orphanedAt === undefined) continue;
      const due = client.orphanedAt + LIMITS.reattachMs;
      if (due <= now) client.close(CloseCode.restart, "no core came back");
      else next = Math.min(due, next ?? due);
    }
    return next;
  }

  /** Credentials were taken back: those whom they let in are in no more. */
  revoke(accepts: (digest: string) => boolean): void {
    for (const client of this.#all()) {
      const { digest } = client;
      if (digest !== undefined && !accepts(digest)) client.close(AUTH_CHANGED, "auth changed");
    }
  }

  #move(): void {
    if (this.#moving) return;
    this.#moving = true;
    this.#host.wakeAt(Date.now() + LIMITS.reattachMs);
    queueMicrotask(() => {
      this.#moving = false;
      this.#handOver();
    });
  }

  #handOver(): void {
    const link = this.#host.worker();
    if (link === undefined) return;
    const waiting = this.#all().filter((client) => client.wantsCore);
    if (waiting.length === 0) return;
    logLine("info", { event: "clients_reattach", clients: waiting.length });
    for (const client of waiting) this.#attach(client, link);
  }

  #attach(client: Client, link: CoreLink): void {
    const stream = link.reattaches
      ? link.session.openStream("websocket", client.attachFields)
      : undefined;
    if (stream === undefined) {
      client.close(CloseCode.restart, "the core does not know this client");
      return;
    }
    client.asked = stream;
    // Until it has answered we must not sleep: the answer would find nobody who knows of it.
    // oxlint-disable-next-line no-restricted-globals -- see above; cleared by the answer
    const timer = setTimeout(() => {
      if (client.asked === stream) client.close(CloseCode.restart, "the core did not answer");
    }, LIMITS.acceptTimeoutMs);
    stream.listen((event) => {
      const said = answerIn(event);
      if (said === undefined) return;
      clearTimeout(timer);
      if (client.asked !== stream) return;
      client.asked = undefined;
      if (said === "accepted") this.#accepted(client, stream, link, event);
      else if (said === "refused") this.#refused(client, stream);
      // One that is there, and will not have it, is not asked again: another may come.
      else if (!link.open) this.#move();
    });
  }

  #accepted(client: Client, stream: Stream, link: CoreLink, event: StreamEvent): void {
    if (link.open && !this.#host.works(link)) {
      stream.reset(ResetCode.cancel, "another core works by now");
      this.#move();
      return;
    }
    const survives = event.type === "head" && fieldOf(event.fields, ":survives") === "1";
    this.#byStream.set(stream, client);
    client.attach(stream, link.id, survives);
  }

  #refused(client: Client, stream: Stream): void {
    stream.reset(ResetCode.noError);
    client.close(CloseCode.restart, "the core does not know this client");
  }

  #all(): Client[] {
    const all = this.#ctx.getWebSockets(CLIENT_TAG).flatMap((socket) => this.of(socket) ?? []);
    this.#complete = true;
    return all;
  }

  /** The client behind a socket, taken up again if the relay has slept; undefined for no client's. */
  of(socket: WebSocket): Client | undefined {
    const known = this.#known.get(socket);
    if (known !== undefined) return known;
    const attachment = readClient(socket);
    if (attachment === undefined) return undefined;
    const client = new Client(socket, attachment, this.#clientHost);
    this.#known.set(socket, client);
    if (attachment.link === "") return client;
    const link = this.#host.linkOf(attachment.link);
    if (link === undefined) {
      client.orphan(Date.now());
      return client;
    }
    const { stream: state } = attachment;
    const stream = link.session.stream(state.id) ?? link.session.resume(state);
    this.#byStream.set(stream, client);
    client.resume(stream);
    return client;
  }
}

/** What a core says to being asked for a client; undefined for what is no answer yet. */
function answerIn(event: StreamEvent): "accepted" | "refused" | "elsewhere" | undefined {
  switch (event.type) {
    case "head":
      return fieldOf(event.fields, ":status") === "101" ? "accepted" : "refused";
    case "reset":
      return MOVES.has(event.code) ? "elsewhere" : "refused";
    case "taken":
    case "state":
    case "stop":
      return undefined;
    default:
      return "refused";
  }
}

/** Undefined when it would be too long to keep. */
function metaOf(head: Fields, answer: Fields): [string, string][] | undefined {
  const meta = head.filter(
    ([name]) => (name.startsWith(":") && name !== ":protocols") || KEPT_HEADERS.has(name),
  );
  const protocol = fieldOf(answer, "sec-websocket-protocol");
  const all: Fields = protocol === undefined ? meta : [...meta, [":protocol", protocol]];
  const length = all.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return length > MAX_META_LENGTH ? undefined : all.map(([name, value]) => [name, value]);
}
