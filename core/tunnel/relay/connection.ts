import type { ClientRequest, IncomingMessage } from "node:http";
import type { Logger } from "pino";
import { WebSocket } from "ws";
import * as z from "zod";
import { jsonOrUndefined } from "../../../shared/json.ts";
import { CloseCode } from "../../../shared/close-code.ts";
import { fromUtf8 } from "../../../shared/bytes.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { type Fields, fieldOf } from "../../../shared/tunnel/fields.ts";
import { FrameType, GoAwayCode } from "../../../shared/tunnel/frame.ts";
import {
  signConnect,
  SUPPORTED_PROTOCOLS,
  type TunnelKey,
  verifyWelcome,
} from "../../../shared/tunnel/handshake.ts";
import { Session } from "../../../shared/tunnel/session.ts";
import type { Stream } from "../../../shared/tunnel/stream.ts";
import type { Ending } from "./ending.ts";
import { wordsOf } from "./fault-facts.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { TunnelMetrics } from "../metrics.ts";
import { readText, type Way } from "./way.ts";
import { readWelcome, type Welcome } from "./welcome.ts";

/** Longest wait for a proxy, TCP, TLS and the upgrade together. */
const CONNECT_TIMEOUT_MS = 10_000;
/** How soon a connection must answer after the machine has slept: with the look that notices it, 2 s. */
const WAKE_TIMEOUT_MS = 1_000;

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
  readonly way: Way;
  /** Fields of HELLO. */
  readonly hello: Fields;
  /** The key of this edge if we have met it before. */
  readonly pinned: string | undefined;
  readonly metrics: TunnelMetrics;
  readonly log: Logger;
  onOpen(stream: Stream, fields: Fields): void;
  /** The edge wants this connection to end, and another one in its place. */
  onGoAway(): void;
  /** The relay says how it is. */
  onStats(stats: unknown): void;
}

/** One connection to a relay, from the dial to its end. */
export class Connection {
  /** Settles with what the relay says once both sides have proven who they are; never rejects. */
  readonly ready: Promise<Welcome | undefined>;
  /** Settles when it is over. */
  readonly ended: Promise<Ending>;
  readonly session: Session;
  readonly heartbeat: Heartbeat;
  readonly #options: ConnectOptions;
  readonly #socket: WebSocket;
  readonly #ready = Promise.withResolvers<Welcome | undefined>();
  readonly #ended = Promise.withResolvers<Ending>();
  readonly #drained = Promise.withResolvers<void>();
  /** Until there is a heartbeat: for the upgrade, then for WELCOME. */
  #patience: NodeJS.Timeout;
  #over = false;

  /** @param headers - As `signConnect` made them. */
  private constructor(options: ConnectOptions, headers: Record<string, string>) {
    this.#options = options;
    this.ready = this.#ready.promise;
    this.ended = this.#ended.promise;
    const address = new URL(options.url);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const { way } = options;
    this.#socket = new WebSocket(address, [...SUPPORTED_PROTOCOLS], {
      headers: { ...way.headers, ...headers },
      agent: way.agent,
      ...way.tls,
      // The payload is small frames or compressed already; deflate would cost memory and time.
      perMessageDeflate: false,
      maxPayload: LIMITS.maxMessageBytes,
    });
    this.heartbeat = new Heartbeat({
      send: () => this.#socket.send("p"),
      onSilence: () => this.#abandon({ reason: "silent", detail: "no answer to a heartbeat" }),
      now: () => performance.now(),
    });
    this.#patience = setTimeout(() => {
      this.#abandon(this.#unreachable("no answer in time"));
    }, CONNECT_TIMEOUT_MS);
    this.session = this.#createSession();
    this.#listen();
  }

  /** Dials. */
  static async open(options: ConnectOptions): Promise<Connection> {
    const { key, url, nonce, at, instance } = options;
    return new Connection(options, await signConnect(key, url, { nonce, at, instance }));
  }

  /** The relay sends nothing new from when this resolves; what is under way goes on. */
  drain(): Promise<void> {
    this.session.goAway(GoAwayCode.shutdown, "core is stopping");
    return Promise.race([this.#drained.promise, this.ended.then(() => undefined)]);
  }

  /** Ends it in good order. */
  close(): void {
    this.session.flush();
    if (this.#socket.readyState !== WebSocket.OPEN) {
      this.#abandon({ reason: "moved" });
      return;
    }
    this.#leave("core is stopping");
  }

  #leave(reason: string): void {
    this.#socket.close(CloseCode.goingAway, reason);
    // An edge that does not answer the close must not keep us.
    setTimeout(() => this.#socket.terminate(), LIMITS.heartbeatTimeoutMs).unref();
  }

  /** Ends it so that another can take its place. */
  move(): void {
    this.session.flush();
    this.#end({ reason: "moved" });
    this.#leave("connecting anew");
  }

  /** The machine has slept: the connection must show soon that it has outlived that. */
  wake(): void {
    if (this.heartbeat.beating) this.heartbeat.probe(WAKE_TIMEOUT_MS);
    else this.#abandon({ reason: "slept" });
  }

  #createSession(): Session {
    const { bytes } = this.#options.metrics;
    const flush = (): void => this.session.flush();
    return new Session({
      role: "core",
      send: (message) => {
        bytes.out += message.byteLength;
        this.#socket.send(message, flush);
      },
      bufferedBytes: () => this.#socket.bufferedAmount,
      defer: (later) => setImmediate(later),
      now: () => performance.now(),
      handlers: {
        onHello: () => undefined,
        onWelcome: (fields) => {
          // Whatever an edge can write there that the crypto throws at, it has proven nothing.
          this.#onWelcome(fields).catch(() => this.#abandon({ reason: "wrong_edge" }));
        },
        onOpen: (stream, fields) => this.#options.onOpen(stream, fields),
        onNews: ({ type, payload }) => {
          if (type === FrameType.stats) this.#options.onStats(parse(fromUtf8(payload)));
        },
        onLateAnswer: () => undefined,
        onUnknownStream: () => undefined,
        onSocketChange: () => undefined,
        onGoAway: (code, reason) => {
          this.#options.log.info({ code, reason: reason.slice(0, 123) }, "relay goes away");
          // After the other codes the relay closes by itself.
          if (code === GoAwayCode.shutdown) this.#options.onGoAway();
        },
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
    const { bytes } = this.#options.metrics;
    socket.on("open", () => {
      this.session.hello(this.#options.hello);
      clearTimeout(this.#patience);
      this.#patience = setTimeout(() => {
        this.#abandon({ reason: "silent", detail: "no welcome" });
      }, LIMITS.helloTimeoutMs);
    });
    socket.on("message", (data, isBinary) => {
      if (!isBinary) {
        this.heartbeat.answered();
      } else if (data instanceof Buffer) {
        bytes.in += data.byteLength;
        this.session.receive(data);
      }
    });
    socket.on("unexpected-response", (request, response) => {
      this.#onRefusal(request, response).catch((err: unknown) => {
        // Cut off in the middle of a sentence: the status alone says enough.
        this.#abandon(this.#unreachable(err instanceof Error ? err.message : "cut off"));
      });
    });
    socket.on("error", (error) => {
      const detail = wordsOf(error);
      const { beating } = this.heartbeat;
      this.#abandon(beating ? { reason: "closed", code: 1006, detail } : this.#unreachable(detail));
    });
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
      this.#abandon({ reason: "wrong_edge" });
      return;
    }
    if (this.#over) return;
    clearTimeout(this.#patience);
    this.heartbeat.start();
    this.#ready.resolve(readWelcome(fields, edgeKey));
  }

  async #onRefusal(request: ClientRequest, response: IncomingMessage): Promise<void> {
    const { statusCode: status = 0, headers } = response;
    const { way } = this.#options;
    const problem = Problem.safeParse(jsonOrUndefined(await readText(response)));
    const { code, detail } = problem.success ? problem.data : { code: "", detail: "" };
    request.destroy();
    this.#abandon({
      reason: "refused",
      status,
      code,
      detail,
      location: headers.location ?? "",
      proxy: way.refusedBy() === undefined ? undefined : way.proxy,
      serverTime: headers.date === undefined ? undefined : Date.parse(headers.date),
    });
  }

  #unreachable(detail: string): Ending {
    return { reason: "unreachable", detail, proxy: this.#options.way.proxy };
  }

  #abandon(ending: Ending): void {
    this.#end(ending);
    this.#socket.terminate();
    this.#options.way.cut();
  }

  #end(ending: Ending): void {
    this.#over = true;
    clearTimeout(this.#patience);
    this.heartbeat.stop();
    this.session.lost();
    this.#ready.resolve(undefined);
    this.#ended.resolve(ending);
  }
}

/** Undefined for what is no JSON: it is for people only. */
function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
