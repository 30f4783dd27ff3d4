import type { IncomingMessage } from "node:http";
import type { Logger } from "pino";
import { WebSocket } from "ws";
import * as z from "zod";
import { CloseCode } from "../../shared/close-code.ts";
import { LIMITS } from "../../shared/limits.ts";
import { type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import { GoAwayCode } from "../../shared/tunnel/frame.ts";
import {
  signConnect,
  SUPPORTED_PROTOCOLS,
  type TunnelKey,
  verifyWelcome,
} from "../../shared/tunnel/handshake.ts";
import { Session } from "../../shared/tunnel/session.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";

/** Longest wait for TCP, TLS and the upgrade together. */
const CONNECT_TIMEOUT_MS = 10_000;
/** What of a refusal is read. */
const MAX_REFUSAL_BYTES = 16 * 1024;

const Problem = z.object({
  code: z.string().max(64),
  detail: z.string().transform((text) => text.slice(0, 300)),
});

export interface ConnectOptions {
  /** `https://edge/tunnel`, or `http:` on loopback. */
  readonly url: URL;
  readonly key: TunnelKey;
  readonly instance: string;
  readonly nonce: string;
  /** Unix ms by the edge's clock, as far as we know it. */
  readonly at: number;
  /** Fields of HELLO. */
  readonly hello: Fields;
  /** The key of this edge if we have met it before. */
  readonly pinned: string | undefined;
  readonly log: Logger;
  onOpen(stream: Stream, fields: Fields): void;
}

/** How an attempt or a connection ended. */
export type Ending =
  /** The edge answered with a status instead of an upgrade. */
  | {
      readonly reason: "refused";
      readonly status: number;
      /** The `code` of its problem document. */
      readonly code: string;
      readonly detail: string;
      /** Unix ms by the edge's clock. */
      readonly serverTime: number | undefined;
    }
  | { readonly reason: "unreachable"; readonly detail: string }
  /** Somebody else answers under this address. */
  | { readonly reason: "wrong_edge" }
  | { readonly reason: "closed"; readonly code: number; readonly detail: string };

/** One connection to the edge, from the dial to its end. */
export class Connection {
  /** Settles with the edge's key once both sides have proven who they are; never rejects. */
  readonly ready: Promise<string | undefined>;
  /** Settles when it is over. */
  readonly ended: Promise<Ending>;
  readonly session: Session;
  readonly #options: ConnectOptions;
  readonly #socket: WebSocket;
  readonly #ready = Promise.withResolvers<string | undefined>();
  readonly #ended = Promise.withResolvers<Ending>();
  readonly #drained = Promise.withResolvers<void>();
  #heartbeat: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;

  /** @param headers - As `signConnect` made them. */
  private constructor(options: ConnectOptions, headers: Record<string, string>) {
    this.#options = options;
    this.ready = this.#ready.promise;
    this.ended = this.#ended.promise;
    const address = new URL(options.url);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    this.#socket = new WebSocket(address, [...SUPPORTED_PROTOCOLS], {
      headers,
      // The payload is small frames or compressed already; deflate would cost memory and time.
      perMessageDeflate: false,
      handshakeTimeout: CONNECT_TIMEOUT_MS,
      maxPayload: LIMITS.maxMessageBytes,
    });
    this.session = this.#createSession();
    this.#listen();
  }

  /** Dials. */
  static async open(options: ConnectOptions): Promise<Connection> {
    const { key, url, nonce, at, instance } = options;
    return new Connection(options, await signConnect(key, url, { nonce, at, instance }));
  }

  /** The edge sends nothing new from when this resolves; what is under way goes on. */
  drain(): Promise<void> {
    this.session.goAway(GoAwayCode.shutdown, "core is stopping");
    return Promise.race([this.#drained.promise, this.ended.then(() => undefined)]);
  }

  /** Ends it in good order. */
  close(): void {
    this.session.flush();
    this.#socket.close(CloseCode.goingAway, "core is stopping");
    // An edge that does not answer the close must not keep us.
    setTimeout(() => this.#socket.terminate(), LIMITS.heartbeatTimeoutMs).unref();
  }

  #createSession(): Session {
    return new Session({
      role: "core",
      send: (message) => this.#socket.send(message, () => this.session.flush()),
      bufferedBytes: () => this.#socket.bufferedAmount,
      defer: (flush) => setImmediate(flush),
      now: () => performance.now(),
      handlers: {
        onHello: () => undefined,
        onWelcome: (fields) => {
          // Whatever an edge can write there that the crypto throws at, it has proven nothing.
          this.#onWelcome(fields).catch(() => this.#wrongEdge());
        },
        onOpen: (stream, fields) => this.#options.onOpen(stream, fields),
        onLateAnswer: () => undefined,
        onUnknownStream: () => undefined,
        onSocketChange: () => undefined,
        onGoAway: (code, reason) => this.#options.log.info({ code, reason }, "edge goes away"),
        onDrained: () => this.#drained.resolve(),
        onFatal: (reason) => {
          this.#options.log.error({ reason }, "tunnel protocol error");
          this.#socket.close(CloseCode.protocolError, reason);
        },
      },
    });
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on("open", () => {
      this.session.hello(this.#options.hello);
      this.#silence = setTimeout(() => this.#giveUp("no welcome"), LIMITS.helloTimeoutMs);
    });
    socket.on("message", (data, isBinary) => {
      if (!isBinary) this.#alive();
      else if (data instanceof Buffer) this.session.receive(data);
    });
    socket.on("unexpected-response", (_request, response) => void this.#onRefusal(response));
    socket.on("error", (error) => this.#end({ reason: "unreachable", detail: error.message }));
    socket.on("close", (code, reason) =>
      this.#end({ reason: "closed", code, detail: reason.toString() }),
    );
  }

  async #onWelcome(fields: Fields): Promise<void> {
    const { url, key, nonce, pinned } = this.#options;
    const edgeKey = fieldOf(fields, ":edge-key") ?? "";
    const genuine = await verifyWelcome(edgeKey, fieldOf(fields, ":signature") ?? "", {
      host: url.host,
      kid: key.kid,
      nonce,
      session: fieldOf(fields, ":session") ?? "",
    });
    if (!genuine || (pinned !== undefined && pinned !== edgeKey)) {
      this.#wrongEdge();
      return;
    }
    this.#alive();
    this.#beat();
    this.#ready.resolve(edgeKey);
  }

  #wrongEdge(): void {
    this.#end({ reason: "wrong_edge" });
    this.#socket.terminate();
  }

  /** Says that we are there, and expects to hear the same. Spread, so that cores do not beat as one. */
  #beat(): void {
    const spread = 0.8 + Math.random() * 0.4;
    this.#heartbeat = setTimeout(() => {
      this.#socket.send("p");
      this.#silence ??= setTimeout(() => this.#giveUp("no pong"), LIMITS.heartbeatTimeoutMs);
      this.#beat();
    }, LIMITS.heartbeatMs * spread);
  }

  #alive(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }

  #giveUp(detail: string): void {
    this.#end({ reason: "closed", code: 1006, detail });
    this.#socket.terminate();
  }

  async #onRefusal(response: IncomingMessage): Promise<void> {
    const { statusCode: status = 0, headers } = response;
    const serverTime = headers.date === undefined ? undefined : Date.parse(headers.date);
    const { code, detail } = await readProblem(response);
    this.#end({ reason: "refused", status, code, detail, serverTime });
    this.#socket.terminate();
  }

  #end(ending: Ending): void {
    clearTimeout(this.#heartbeat);
    this.#alive();
    this.session.lost();
    this.#ready.resolve(undefined);
    this.#ended.resolve(ending);
  }
}

/** What a refusal says of itself; anything in between may have written it. */
async function readProblem(response: IncomingMessage): Promise<z.output<typeof Problem>> {
  let text = "";
  try {
    for await (const chunk of response.setEncoding("utf8")) {
      text += String(chunk);
      if (text.length > MAX_REFUSAL_BYTES) break;
    }
    return Problem.parse(JSON.parse(text));
  } catch {
    // Cut off, or no document of ours: the status alone says enough.
    return { code: "", detail: "" };
  }
}
