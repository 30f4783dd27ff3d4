/**
 * An edge with relays that a test directs, for the core's end of the tunnel: real HTTP, real
 * WebSockets, the real session and signatures; what it decides, the test decides.
 */
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { TlsOptions } from "node:tls";
import { type WebSocket, WebSocketServer } from "ws";
import { concat, fromUtf8, utf8 } from "../../shared/bytes.ts";
import { type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import { encodeFields } from "../../shared/tunnel/fields.ts";
import {
  chooseProtocol,
  createTunnelKey,
  signWelcome,
  type TunnelKey,
} from "../../shared/tunnel/handshake.ts";
import { Session } from "../../shared/tunnel/session.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";

/** A request that the core made of a relay. */
export interface Asked {
  readonly relay: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** A core's connection, greeted. */
export interface FakeLink {
  readonly relay: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly hello: Fields;
  readonly session: Session;
  readonly socket: WebSocket;
  /** Close code and reason; 1006 when it was cut. */
  readonly closed: Promise<readonly [number, string]>;
  /** Settles when the core says that it goes. */
  readonly goingAway: Promise<void>;
}

export interface FakeEdgeOptions {
  /** The first is served at `/tunnel`. */
  readonly relays?: readonly string[];
  readonly tls?: TlsOptions;
  readonly key?: TunnelKey;
}

export class FakeEdge implements AsyncDisposable {
  readonly url: URL;
  key: TunnelKey;
  /** WELCOME's `:relays`; the first is the one at `/tunnel`. */
  relays: readonly string[];
  colo: (relay: string) => string = () => "";
  /** WELCOME's `:features`; as an edge says them that knows nothing later. */
  features = "reattach";
  /** Answers instead of an upgrade. */
  refuse: (request: IncomingMessage) => Reply | undefined = () => undefined;
  /** Answers anything that is no upgrade. */
  onRequest: (request: IncomingMessage) => Reply | Promise<Reply> = () => ({ status: 404 });
  /** Answers what the core asks a relay. */
  onAsked: (asked: Asked) => Reply = () => ({ status: 204 });
  /** False: heartbeats get no answer. */
  beats = true;
  /** False: HELLO gets no answer. */
  greets = true;
  /** All there ever were, in order. */
  readonly links: FakeLink[] = [];
  /** Paths of all attempts, in order. */
  readonly attempts: string[] = [];
  readonly asked: Asked[] = [];
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) => chooseProtocol([...offered].join(",")) ?? false,
  });
  readonly #events = new EventEmitter().setMaxListeners(0);

  constructor(server: Server, url: URL, key: TunnelKey, relays: readonly string[]) {
    this.#server = server;
    this.url = url;
    this.key = key;
    this.relays = relays;
    server.on("request", (request, response) => {
      const reply = Promise.resolve(this.onRequest(request));
      reply.then(
        ({ status, headers, body }) => response.writeHead(status, headers).end(body),
        () => response.destroy(),
      );
    });
    server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Waits until there have been so many connections; gives the last one. */
  async link(count: number): Promise<FakeLink> {
    for (;;) {
      const link = this.links[count - 1];
      if (link !== undefined) return link;
      await once(this.#events, "link");
    }
  }

  /** Waits for a connection to the relay, after the first `skip` to it. */
  async linkTo(relay: string, skip = 0): Promise<FakeLink> {
    for (;;) {
      const link = this.links.filter((one) => one.relay === relay)[skip];
      if (link !== undefined) return link;
      await once(this.#events, "link");
    }
  }

  /** Waits until there have been so many attempts. */
  async attempted(count: number): Promise<void> {
    while (this.attempts.length < count) await once(this.#events, "attempt");
  }

  /** Waits for a HELLO that gets no answer. */
  async ignored(): Promise<void> {
    await once(this.#events, "ignored");
  }

  /** Waits until the core has asked so many things that `wanted` likes. */
  async askedFor(path: string, count = 1): Promise<Asked[]> {
    for (;;) {
      const found = this.asked.filter((asked) => asked.path === path);
      if (found.length >= count) return found;
      await once(this.#events, "asked");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.links) socket.terminate();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => undefined);
    this.attempts.push(request.url ?? "");
    this.#events.emit("attempt");
    const refusal = this.refuse(request);
    if (refusal === undefined) {
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) =>
        this.#greet(request, webSocket),
      );
      return;
    }
    const headers = { "Content-Type": "application/problem+json", ...refusal.headers };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const body = refusal.body ?? "";
    socket.end(
      `HTTP/1.1 ${refusal.status} Refused\r\n${lines.join("")}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
  }

  #greet(request: IncomingMessage, socket: WebSocket): void {
    const path = request.url ?? "";
    const relay = path === "/tunnel" ? (this.relays[0] ?? "") : path.slice("/tunnel/".length);
    const name = relay.replace("/draining", "");
    const goingAway = Promise.withResolvers<void>();
    const session = new Session({
      role: "relay",
      send: (message) => socket.send(message),
      bufferedBytes: () => socket.bufferedAmount,
      defer: (flush) => queueMicrotask(flush),
      now: () => performance.now(),
      handlers: {
        onHello: (hello) => {
          if (!this.greets) {
            this.#events.emit("ignored");
            return;
          }
          const { headers } = request;
          const closed = once(socket, "close").then(
            ([code, reason]) => [Number(code), String(reason)] as const,
          );
          const parts = { headers, hello, session, socket, closed, goingAway: goingAway.promise };
          this.#welcome({ relay: name, path, ...parts }).catch(() => socket.terminate());
        },
        onWelcome: () => undefined,
        onOpen: (stream, fields) => this.#serve(name, stream, fields),
        onLateAnswer: () => undefined,
        onUnknownStream: () => undefined,
        onSocketChange: () => undefined,
        onGoAway: () => goingAway.resolve(),
        onDrained: () => undefined,
        onFatal: (reason) => socket.close(1002, reason),
      },
    });
    socket.on("message", (data, isBinary) => {
      if (isBinary && data instanceof Buffer) session.receive(data);
      else if (this.beats) socket.send("P");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => session.lost());
  }

  async #welcome(link: FakeLink): Promise<void> {
    const { relay, headers, session } = link;
    const [, kid = ""] = /kid=([^,]+)/.exec(headers.authorization ?? "") ?? [];
    const [, nonce = ""] = /nonce=([^,]+)/.exec(headers.authorization ?? "") ?? [];
    const id = crypto.randomUUID();
    const claims = { host: headers.host ?? "", kid, nonce, session: id };
    session.welcome([
      [":session", id],
      [":edge-key", this.key.publicKey],
      [":signature", await signWelcome(this.key.privateKey, claims)],
      [":features", this.features],
      [":relay", relay],
      [":relays", this.relays.join(" ")],
      [":colo", this.colo(relay)],
    ]);
    this.links.push(link);
    this.#events.emit("link");
  }

  #serve(relay: string, stream: Stream, fields: Fields): void {
    const chunks: Uint8Array[] = [];
    stream.listen((event) => {
      if (event.type === "data") {
        chunks.push(event.bytes);
        stream.consume(event.bytes.byteLength);
      } else if (event.type === "end") {
        const asked = {
          relay,
          method: fieldOf(fields, ":method") ?? "",
          path: fieldOf(fields, ":path") ?? "",
          body: fromUtf8(concat(chunks)),
        };
        this.asked.push(asked);
        const { status, body } = this.onAsked(asked);
        const head = encodeFields([[":status", String(status)]]);
        if (!head.ok) throw new Error("head");
        stream.sendHead(head.value);
        if (body !== undefined) stream.write(utf8(body));
        stream.end();
        this.#events.emit("asked");
      }
    });
  }
}

/** On a loopback port; TLS with `tls`. */
export async function startFakeEdge(options: FakeEdgeOptions = {}): Promise<FakeEdge> {
  const server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = portOf(server);
  const scheme = options.tls === undefined ? "http" : "https";
  const key = options.key ?? (await createTunnelKey()).key;
  const url = new URL(`${scheme}://127.0.0.1:${port}/`);
  return new FakeEdge(server, url, key, options.relays ?? ["weur:1"]);
}

function portOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address;
}

/** Opens a request on the core, as a relay does. */
export function requestFieldsOf(path: string, extra: Fields = []): Fields {
  return [
    [":method", "GET"],
    [":scheme", "http"],
    [":authority", "edge.example"],
    [":path", path],
    [":request-id", crypto.randomUUID()],
    [":client-ip", "203.0.113.1"],
    [":subject", "owner"],
    [":scopes", "operator"],
    [":deadline-ms", "1000"],
    ...extra,
  ];
}
