import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { GatewayError } from "../../../shared/errors.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { problemResponse } from "../../../shared/problem.ts";
import { requestId } from "../../../shared/request-id.ts";
import { ok, type Result } from "../../../shared/result.ts";
import type { ClientSocket } from "../../tunnel/handlers.ts";
import { refusalOf, withoutToken } from "../auth/admission.ts";
import { draining } from "./draining.ts";
import { checkAnnouncedLength, NodeRequest } from "./node-request.ts";
import { writeResponse } from "./node-response.ts";
import type { ProxyRefusal } from "./proxy-user.ts";
import { idOf, isDirect, type LocalPeer, type NetworkRules, peerOf, STRICT_RULES } from "./peer.ts";
import { unreadable, writeRaw } from "./raw-socket.ts";
import { SideDoors } from "./side-doors.ts";
import { WebSockets } from "./web-sockets.ts";

/** A whole head must be here by then: one that drips in is an attack, not a slow line. */
const HEADERS_TIMEOUT_MS = 10_000;
/** 25 MiB at 1 Mbit/s take 210 s. */
const REQUEST_TIMEOUT_MS = 300_000;
/** Longer than the 60 s for which nginx keeps its side open, so that it never writes into a closed one. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** How often Node looks at the two timeouts above; its default of 30 s would stretch them. */
const TIMEOUT_CHECK_MS = 5_000;
/** How long the rest of an unwanted body is read away, so that its sender gets to see our answer. */
const LINGER_MS = 5_000;
/** File descriptors: the usual limit of a service is 1024, and the core needs some for itself. */
const MAX_CONNECTIONS = 900;

export interface LocalHandlers {
  /** Answers a request; failures are answers too. */
  fetch(request: Request, peer: LocalPeer): Response | Promise<Response>;
  /** Takes a WebSocket over, or says why not before the client gets its 101. */
  upgrade(request: Request, peer: LocalPeer): LocalUpgrade | Promise<LocalUpgrade>;
}

export type LocalUpgrade = ((socket: ClientSocket) => void) | GatewayError;

export interface ServeOptions {
  readonly port: number;
  /** Address to listen on. */
  readonly host: string;
  /** Further addresses, where this machine has them: the other loopback. */
  readonly alsoHosts?: readonly string[] | undefined;
  /** Further names we are reached by, lower case. */
  readonly allowedHosts: ReadonlySet<string>;
  /** Asked for each request; left out: strict, but for `allowedHosts`. */
  readonly rules?: (() => NetworkRules) | undefined;
  readonly maxRequestBodyBytes: number;
}

/** Our own port. Disposing it cuts what is still open. */
export interface LocalServer extends AsyncDisposable {
  /** The port it listens on, also when 0 was asked for. */
  readonly port: number;
  /** Where programs of this machine reach it. */
  readonly url: string;
  /** Lets go of the port; what is under way goes on. */
  leave(): Promise<void>;
  /** Accepts nothing new; resolves when every request is answered or `deadlineMs` has passed. */
  drain(deadlineMs: number): Promise<void>;
}

/**
 * Serves HTTP and WebSockets on one port.
 *
 * @throws GatewayError conflict, forbidden or invalid_request when the port cannot be had.
 */
export async function serve(
  options: ServeOptions,
  handlers: LocalHandlers,
  log: Logger,
): Promise<LocalServer> {
  const server = new HttpServer(options, handlers, log);
  await server.listen();
  return server;
}

class HttpServer implements LocalServer {
  readonly #options: ServeOptions;
  readonly #handlers: LocalHandlers;
  readonly #log: Logger;
  readonly #server: Server;
  readonly #sideDoors: SideDoors;
  readonly #sockets = new WebSockets();
  readonly #idle = new Set<() => void>();
  #active = 0;
  #draining = false;

  constructor(options: ServeOptions, handlers: LocalHandlers, log: Logger) {
    this.#options = options;
    this.#handlers = handlers;
    this.#log = log;
    this.#server = createServer({
      // The parser counts the request line in; the two limits are told apart afterwards.
      maxHeaderSize: LIMITS.maxRequestHeaderBytes + LIMITS.maxUrlBytes,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      // Any other protocol on offer (h2c) is ignored, as RFC 9110 section 7.8 allows.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#sideDoors = new SideDoors(MAX_CONNECTIONS, (socket) => {
      this.#server.emit("connection", socket);
    });
    this.#server.on("request", (incoming, outgoing) => void this.#answer(incoming, outgoing));
    this.#server.on("checkContinue", (incoming, outgoing) => {
      void this.#answer(incoming, outgoing, true);
    });
    this.#server.on("upgrade", (incoming, socket, head) => {
      void this.#upgrade(incoming, socket, head);
    });
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      void writeRaw(problem(unreadable(error.code), requestId(undefined), ""), socket);
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : this.#options.port;
  }

  get url(): string {
    const { host } = this.#options;
    const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
    return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${this.port}`;
  }

  async listen(): Promise<void> {
    const { port, host, alsoHosts = [] } = this.#options;
    this.#server.listen(port, host);
    try {
      await once(this.#server, "listening");
      await this.#openSideDoors(alsoHosts);
    } catch (error) {
      this.#sockets[Symbol.dispose]();
      if (this.#server.listening) this.#server.close();
      this.#sideDoors.close();
      throw listenError(error, port, host);
    }
  }

  /** Where any port would do, one that is taken at the other address is no reason to fail. */
  async #openSideDoors(hosts: readonly string[]): Promise<void> {
    const opening = this.#sideDoors.open(hosts, this.port);
    await (this.#options.port === 0 ? opening.catch(() => undefined) : opening);
  }

  leave(): Promise<void> {
    // Node closes the listening socket at once, and tells of the end when all connections are gone.
    this.#server.close();
    this.#sideDoors.close();
    return new Promise((resolve) => setImmediate(resolve));
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    if (this.#server.listening) this.#server.close();
    this.#sideDoors.close();
    if (this.#active === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle.add(resolve);
    const timer = setTimeout(resolve, deadlineMs);
    await promise;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#draining = true;
    this.#sideDoors.close();
    this.#sockets[Symbol.dispose]();
    const closed = once(this.#server, "close");
    const wasOpen = this.#server.listening;
    this.#server.close();
    this.#server.closeAllConnections();
    if (wasOpen) await closed;
  }

  async #answer(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    awaitsContinue = false,
  ): Promise<void> {
    this.#active += 1;
    outgoing.once("close", () => this.#ended());
    const id = idOf(incoming);
    try {
      const response = await this.#respond(incoming, outgoing, { id, awaitsContinue });
      if (this.#draining) outgoing.setHeader("Connection", "close");
      await writeResponse(response, outgoing);
      if (!incoming.complete) discardRest(incoming);
    } catch (err) {
      // The head may be out: a cut connection is the only way left to say that the rest is missing.
      this.#log.warn({ err, requestId: id }, "answer cut short");
      outgoing.destroy();
    }
  }

  #ended(): void {
    this.#active -= 1;
    if (this.#active > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle.clear();
  }

  #respond(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    { id, awaitsContinue }: { readonly id: string; readonly awaitsContinue: boolean },
  ): Response | Promise<Response> {
    try {
      const admitted = this.#admit(incoming, id);
      if (!admitted.ok) return untrusted(admitted.error, id);
      const { request, peer } = admitted.value;
      checkAnnouncedLength(incoming, this.#options.maxRequestBodyBytes);
      outgoing.once("close", () => {
        if (!outgoing.writableFinished) request.abort();
      });
      if (awaitsContinue) outgoing.writeContinue();
      return this.#handlers.fetch(request, peer);
    } catch (error) {
      return problem(error, id, incoming.url ?? "");
    }
  }

  async #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Until ws takes over nobody listens, and an unheard error would end the process.
    const onError = (): void => void socket.destroy();
    socket.on("error", onError);
    const taker = await this.#takerOf(incoming);
    if (socket.destroyed) return;
    if (taker instanceof Response) {
      void writeRaw(taker, socket);
      return;
    }
    socket.off("error", onError);
    this.#sockets.open(incoming, socket, head, taker);
  }

  /** Never rejects: nobody could tell the client any more. */
  async #takerOf(
    incoming: IncomingMessage,
  ): Promise<Response | Exclude<LocalUpgrade, GatewayError>> {
    const id = idOf(incoming);
    const refuse = (error: unknown): Response => problem(error, id, incoming.url ?? "");
    try {
      const admitted = this.#admit(incoming, id);
      if (!admitted.ok) return untrusted(admitted.error, id);
      const { request, peer } = admitted.value;
      const taker = await this.#handlers.upgrade(request, peer);
      return taker instanceof GatewayError ? refuse(taker) : taker;
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        this.#log.error({ err: error, requestId: id }, "upgrade failed");
      }
      return refuse(error);
    }
  }

  /**
   * @returns Who sends what, or what a proxy said that may not be believed.
   * @throws GatewayError when the request may not go on.
   */
  #admit(incoming: IncomingMessage, id: string): Result<Admitted, ProxyRefusal> {
    if (this.#draining) throw draining();
    const { method = "GET", headers, rawHeaders } = incoming;
    const { maxRequestBodyBytes } = this.#options;
    const rules = this.#rules();
    const peer = peerOf(incoming, rules, id);
    if (!peer.ok) return peer;
    const given = incoming.url ?? "/";
    const { target, token } = rules.takesUrlToken
      ? withoutToken(given)
      : { target: given, token: undefined };
    const { host, origin } = headers;
    const upgrade = headers.upgrade !== undefined;
    const head = { method, target, rawHeaders, host, origin, upgrade };
    const refusal = refusalOf(
      // Asked of pages alone.
      { ...head, isDirect: origin !== undefined && isDirect(peer.value) },
      rules,
    );
    if (refusal !== undefined) throw refusal;
    try {
      const request = new NodeRequest(
        incoming,
        `http://${host ?? ""}${target}`,
        maxRequestBodyBytes,
      );
      return ok({ request, peer: { ...peer.value, urlToken: token } });
    } catch (cause) {
      throw new GatewayError("invalid_request", "Malformed method or URL", { cause });
    }
  }

  #rules(): NetworkRules {
    const { rules, allowedHosts } = this.#options;
    return rules?.() ?? { ...STRICT_RULES, allowedHosts };
  }
}

interface Admitted {
  readonly request: NodeRequest;
  readonly peer: LocalPeer;
}

function problem(error: unknown, id: string, target: string): Response {
  return problemResponse(error, { hop: "core", requestId: id, path: target });
}

/** What the contract says to proxies that nobody has named. */
function untrusted({ type, message }: ProxyRefusal, id: string): Response {
  const error = new GatewayError("forbidden", message);
  const extension = { error: { type, message } };
  return problemResponse(error, { hop: "core", requestId: id, path: "", extension });
}

/** Reads away what the sender still has, for a while: closing at once would reset our answer too. */
function discardRest(incoming: IncomingMessage): void {
  const { socket } = incoming;
  incoming.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  incoming.once("close", () => clearTimeout(timer));
}

const LISTEN_ERRORS: Readonly<
  Record<string, readonly ["conflict" | "forbidden" | "invalid_request", string]>
> = {
  EADDRINUSE: [
    "conflict",
    "is in use: stop the other program, or choose another port with --port or OPENCLAW_GATEWAY_PORT",
  ],
  EACCES: [
    "forbidden",
    "is not ours to open: choose one above 1023 with --port or OPENCLAW_GATEWAY_PORT",
  ],
  EADDRNOTAVAIL: ["invalid_request", "cannot be opened: this machine has no such address"],
};

function listenError(error: unknown, port: number, host: string): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = LISTEN_ERRORS[code];
  if (known === undefined) return error;
  return new GatewayError(known[0], `port ${port} on ${host} ${known[1]}`, { cause: error });
}
