import { once } from "node:events";
import { Agent, type IncomingMessage, createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import { LIMITS } from "../../../shared/limits.ts";
import type { KeyPair } from "./certificate.ts";
import { type Passage, exchange } from "./exchange.ts";
import { isUntrustedProxy } from "./heads.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";
import { upgrade } from "./upgrade.ts";

export interface HttpFront extends AsyncDisposable {
  readonly port: number;
  /** From the next connection on. @throws Error when the two do not belong together. */
  useCertificate(pair: KeyPair): void;
  /**
   * Takes nothing new; waits until all requests have their answers, or `deadlineMs` are over, then
   * tells the WebSockets that the edge ends.
   */
  drain(deadlineMs: number): Promise<void>;
}

export interface HttpFrontSettings {
  /** Undefined means every address of the machine. */
  readonly host: string | undefined;
  /** 0 means any free one. */
  readonly port: number;
  /** Unix socket of the runtime. */
  readonly target: string;
  /** Without it the front speaks plain HTTP. */
  readonly certificate: KeyPair | undefined;
  readonly trusted: TrustedProxies;
  /** Once, for the first proxy that is not believed. */
  readonly onUntrustedProxy: (address: string) => void;
}

/** Sockets of clients, twice what a relay keeps, and short of what a service may have open. */
const MAX_CONNECTIONS = 2 * LIMITS.maxSockets;

/** The edge's own limit answers with a reason; only what is far above it ends here. */
const MAX_HEADER_BYTES = LIMITS.maxRequestHeaderBytes + LIMITS.maxUrlBytes + 16 * 1024;

/** A client that needs longer for its request's head is not one. */
const HEADERS_TIMEOUT_MS = 15_000;
const CHECK_INTERVAL_MS = 5_000;

/** As often as the relay expects a heartbeat of a core, give or take. */
const TCP_KEEP_ALIVE_MS = 60_000;

/** For a goodbye to cross a slow network, and its answer; who is slower is cut off. */
const LEAVE_MS = 1_000;

/** Longer than proxies keep their idle connections, so that it is they who close them. */
const KEEP_ALIVE_MS = 75_000;

/**
 * Stands in front of the bare runtime, as Cloudflare does of a deployed Worker: ends TLS, says who
 * the client is, lets nobody else say it, and tells the Worker when a client has left.
 *
 * @throws Error EADDRINUSE and the like; what TLS says of a bad certificate.
 */
export async function startHttpFront(settings: HttpFrontSettings): Promise<HttpFront> {
  const { host, port, target, certificate, trusted } = settings;
  // A connection each: on a Unix socket that costs next to nothing, and none can have gone stale.
  const agent = new Agent({ keepAlive: false });
  const passage: Passage = { target, agent, trusted, secure: certificate !== undefined };
  const options = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A client whose network is gone says nothing ever again; the system finds out.
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    // An upload takes as long as it takes.
    requestTimeout: 0,
    // Anything else that asks for an upgrade (`h2c`) is answered as if it had not.
    shouldUpgradeCallback: isWebSocket,
  };
  const secure =
    certificate === undefined
      ? undefined
      : createHttpsServer({
          ...options,
          ...certificate,
          ALPNProtocols: ["http/1.1"],
          handshakeTimeout: HEADERS_TIMEOUT_MS,
        });
  const server = secure ?? createHttpServer(options);
  server.maxConnections = MAX_CONNECTIONS;
  const traffic = new Traffic();
  let warned = false;
  server.on("request", (request, response) => {
    const { remoteAddress } = request.socket;
    if (!warned && isUntrustedProxy(request.rawHeaders, remoteAddress, trusted)) {
      warned = true;
      settings.onUntrustedProxy(remoteAddress ?? "");
    }
    traffic.enter(exchange(request, response, passage));
  });
  server.on("upgrade", (request: IncomingMessage, client: Duplex, head: Buffer) => {
    traffic.keep(client, upgrade({ request, client, head }, passage));
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP address");
  return {
    port: address.port,
    useCertificate: (pair) => secure?.setSecureContext({ ...pair }),
    async drain(deadlineMs) {
      server.close();
      server.closeIdleConnections();
      await traffic.settled(deadlineMs);
      await traffic.takeLeave();
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) server.close();
      server.closeAllConnections();
      traffic.cut();
      agent.destroy();
    },
  };
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/** What is under way. */
class Traffic {
  readonly #requests = new Set<Promise<void>>();
  readonly #sockets = new Map<Duplex, () => void>();

  /** @param done - Never rejects. */
  enter(done: Promise<void>): void {
    this.#requests.add(done);
    void this.#forget(done);
  }

  async #forget(done: Promise<void>): Promise<void> {
    await done;
    this.#requests.delete(done);
  }

  /** WebSockets are no part of the server any more: we close them. */
  keep(socket: Duplex, takeLeave: () => void): void {
    this.#sockets.set(socket, takeLeave);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  /** Tells every WebSocket; resolves when all have closed, or soon. */
  async takeLeave(): Promise<void> {
    const closed = [...this.#sockets.keys()].map((socket) => once(socket, "close"));
    for (const takeLeave of this.#sockets.values()) takeLeave();
    await before(Promise.allSettled(closed), LEAVE_MS);
  }

  async settled(deadlineMs: number): Promise<void> {
    await before(Promise.all(this.#requests), deadlineMs);
  }

  cut(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }
}

/** Waits for `done`, but not longer than `deadlineMs`. */
async function before(done: Promise<unknown>, deadlineMs: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, deadlineMs);
  await Promise.race([done, late.promise]);
  clearTimeout(timer);
}
