/** A core that says whatever a test wants it to: it proves its key, and keeps to nothing else. */
import { EventEmitter, once } from "node:events";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { randomToken, utf8 } from "../../shared/bytes.ts";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import type { Secret } from "../../shared/secret.ts";
import { decodeFields, encodeFields, fieldOf, type Fields } from "../../shared/tunnel/fields.ts";
import {
  decodeFrames,
  encodeFrames,
  Flag,
  type Frame,
  frame,
  FrameType,
} from "../../shared/tunnel/frame.ts";
import { limitFields } from "../../shared/tunnel/greeting.ts";
import {
  createTunnelKey,
  signConnect,
  signPairing,
  SUPPORTED_PROTOCOLS,
  type TunnelKey,
} from "../../shared/tunnel/handshake.ts";

export interface ChaosOptions {
  readonly edge: URL;
  readonly pairing: Secret;
  /** Default: a new one, which is paired first. */
  readonly key?: TunnelKey;
  /** Offers compression, as a core must not. */
  readonly perMessageDeflate?: boolean;
  /** Fields of HELLO beside the limits. */
  readonly hello?: Fields;
  /** False: it says nothing by itself, not even HELLO. */
  readonly greets?: boolean;
}

/** The frames of the relay, and whatever we say to it. */
export class ChaosCore implements AsyncDisposable {
  readonly key: TunnelKey;
  /** The edge's answer to the upgrade. */
  readonly upgrade: IncomingMessage;
  /** Settles when the relay, or the path to it, has ended the connection. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #socket: WebSocket;
  readonly #events = new EventEmitter();
  readonly #received: Frame[] = [];
  #nextId = 2;

  constructor(key: TunnelKey, socket: WebSocket, upgrade: IncomingMessage) {
    this.key = key;
    this.upgrade = upgrade;
    this.#socket = socket;
    socket.on("message", (data, isBinary) => {
      if (!isBinary || !(data instanceof Buffer)) return;
      const frames = decodeFrames(data);
      if (!frames.ok) throw new Error(`the relay sent a bad frame: ${frames.error.reason}`);
      this.#received.push(...frames.value);
      this.#events.emit("frames");
    });
    this.closed = once(socket, "close").then(([code, reason]) => ({
      code: Number(code),
      reason: String(reason),
    }));
    socket.on("error", () => undefined);
  }

  /** Everything the relay has said that nobody took yet. */
  get waiting(): readonly Frame[] {
    return this.#received;
  }

  /** Takes the next frame of a type, leaving others where they are. Waits for it. */
  async take(type: FrameType): Promise<Frame> {
    for (;;) {
      const at = this.#received.findIndex((received) => received.type === type);
      const [found] = at < 0 ? [] : this.#received.splice(at, 1);
      if (found !== undefined) return found;
      await once(this.#events, "frames");
    }
  }

  /** All in one message. */
  send(...frames: readonly Frame[]): void {
    this.#socket.send(encodeFrames(frames));
  }

  sendBytes(bytes: Uint8Array | string): void {
    this.#socket.send(bytes);
  }

  /** HELLO, and waits for the answer. */
  async greet(fields: Fields = []): Promise<void> {
    this.hello(fields);
    await this.take(FrameType.welcome);
  }

  hello(fields: Fields): void {
    const own: Fields = [[":instance", randomToken(16)], ...fields, ...limitFields()];
    this.send(frame(FrameType.hello, 0, head(own)));
  }

  /** Asks the relay something. @returns The status of its answer. */
  async ask(method: string, path: string, body?: unknown): Promise<string | undefined> {
    const id = this.#nextId;
    this.#nextId += 2;
    const fields: Fields = [
      [":method", method],
      [":path", path],
    ];
    const [flags, text] = body === undefined ? [Flag.end, ""] : [0, JSON.stringify(body)];
    this.send(frame(FrameType.open, id, head(fields), { flags }));
    if (text !== "") this.send(frame(FrameType.data, id, utf8(text), { flags: Flag.end }));
    const answer = decodeFields((await this.take(FrameType.headers)).payload);
    return answer.ok ? fieldOf(answer.value, ":status") : undefined;
  }

  /** Tells the edge its routes and tokens, and waits until it has them. */
  async publish(bundle: EdgeBundle): Promise<void> {
    const status = await this.ask("PUT", "/bundle", bundle);
    if (status !== "204") throw new Error(`the bundle was answered with ${status}`);
  }

  /** Hears nothing from now on, not even that it is to close. */
  deafen(): void {
    this.#socket.pause();
  }

  /** Goes without a word. */
  terminate(): void {
    this.#socket.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.terminate();
    await this.closed;
  }
}

/** A head block. @throws Error when it cannot be one. */
export function head(fields: Fields): Uint8Array {
  const encoded = encodeFields(fields);
  if (!encoded.ok) throw new Error(`not a head: ${encoded.error.reason}`);
  return encoded.value;
}

/** @throws Error when the edge does not let it in. */
export async function connectChaosCore(options: ChaosOptions): Promise<ChaosCore> {
  const key = options.key ?? (await pairedKey(options.edge, options.pairing));
  const url = new URL("/tunnel", options.edge);
  const claims = { nonce: randomToken(16), at: Date.now(), instance: randomToken(16) };
  const headers = await signConnect(key, url, claims);
  url.protocol = "ws:";
  const socket = new WebSocket(url, [...SUPPORTED_PROTOCOLS], {
    headers,
    perMessageDeflate: options.perMessageDeflate ?? false,
  });
  const upgraded = Promise.withResolvers<IncomingMessage>();
  socket.on("upgrade", upgraded.resolve);
  socket.on("error", upgraded.reject);
  const core = new ChaosCore(key, socket, await upgraded.promise);
  if (socket.readyState !== WebSocket.OPEN) await once(socket, "open");
  if (options.greets !== false) await core.greet(options.hello);
  return core;
}

async function pairedKey(edge: URL, pairing: Secret): Promise<TunnelKey> {
  const { key } = await createTunnelKey();
  const url = new URL("/tunnel/pair", edge);
  const { kid, publicKey } = key;
  const claims = { kid, publicKey, at: Date.now(), nonce: randomToken(16) };
  const headers = await signPairing(pairing, url, claims);
  const response = await fetch(url, { method: "POST", headers });
  if (!response.ok) throw new Error(`pairing was answered with ${response.status}`);
  await response.arrayBuffer();
  return key;
}
