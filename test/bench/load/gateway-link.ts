import { once } from "node:events";
import { WebSocket } from "ws";
import * as z from "zod";

const PROTOCOL = 4;

const Frame = z.object({
  type: z.string(),
  id: z.string().optional(),
  ok: z.boolean().optional(),
  event: z.string().optional(),
  payload: z.unknown(),
  error: z.object({ message: z.string() }).optional(),
});
type Frame = z.output<typeof Frame>;

interface Waiting {
  readonly accepts: (frame: Frame) => boolean;
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: Error) => void;
}

/** A client of the gateway's WebSocket protocol that does no more than a measurement needs. */
export class GatewayLink implements Disposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Set<Waiting>();
  /** Resolves when the gateway hangs up, or we do. */
  readonly closed: Promise<void>;
  #asked = 0;

  /** Through its handshake. @throws Error when the gateway does not let us in. */
  static async open(port: number, token: string): Promise<GatewayLink> {
    const link = new GatewayLink(
      new WebSocket(`ws://127.0.0.1:${port}/gateway`, { perMessageDeflate: false }),
    );
    const challenged = link.heard("connect.challenge", () => true);
    await once(link.#socket, "open");
    await challenged;
    await link.call("connect", {
      minProtocol: PROTOCOL,
      maxProtocol: PROTOCOL,
      client: { id: "cli", version: "1", platform: process.platform, mode: "cli" },
      role: "operator",
      scopes: ["operator.admin"],
      caps: [],
      auth: { token },
    });
    return link;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        for (const { reject } of this.#waiting) reject(new Error("the gateway hung up"));
        resolve();
      });
    });
    socket.on("error", () => undefined); // the close after it says as much
    socket.on("message", (message: Buffer) => {
      this.#take(Frame.parse(JSON.parse(message.toString("utf8"))));
    });
  }

  /** @throws Error with the gateway's words when it refuses. */
  async call(method: string, params: object): Promise<unknown> {
    this.#asked += 1;
    const id = String(this.#asked);
    const answer = this.#wait((frame) => frame.type === "res" && frame.id === id);
    this.#socket.send(JSON.stringify({ type: "req", id, method, params }));
    const { ok, payload, error } = await answer;
    if (ok !== true) throw new Error(`${method}: ${error?.message ?? "refused"}`);
    return payload;
  }

  /** The first event of this name from now on whose payload is the one that is waited for. */
  async heard(event: string, isIt: (payload: unknown) => boolean): Promise<unknown> {
    const { payload } = await this.#wait((frame) => frame.event === event && isIt(frame.payload));
    return payload;
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #wait(accepts: Waiting["accepts"]): Promise<Frame> {
    return new Promise((resolve, reject) => {
      this.#waiting.add({ accepts, resolve, reject });
    });
  }

  #take(frame: Frame): void {
    for (const waiting of this.#waiting) {
      if (!waiting.accepts(frame)) continue;
      this.#waiting.delete(waiting);
      waiting.resolve(frame);
    }
  }
}
