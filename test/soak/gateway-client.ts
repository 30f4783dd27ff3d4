import { once } from "node:events";
import { WebSocket } from "ws";
import * as z from "zod";

const Answer = z.looseObject({ type: z.string(), id: z.string().default("") });

/** A client of the gateway protocol that always waits for one answer. */
export class GatewayClient {
  asked = 0;
  /** Of each request, how often it was answered. */
  readonly answers = new Map<string, number>();
  closed: number | undefined;
  readonly #socket: WebSocket;
  #stopped = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("close", (code) => {
      this.closed = code;
    });
    socket.on("message", (data: Buffer) => {
      const { type, id } = Answer.parse(JSON.parse(data.toString()));
      if (type !== "res") return;
      this.answers.set(id, (this.answers.get(id) ?? 0) + 1);
      if (!this.#stopped) this.#ask("health", {});
    });
  }

  static async open(edge: URL, token: string): Promise<GatewayClient> {
    const url = new URL(edge);
    url.protocol = "ws:";
    const socket = new WebSocket(url, { headers: { Authorization: `Bearer ${token}` } });
    const client = new GatewayClient(socket);
    await once(socket, "message");
    client.#ask("connect", {
      minProtocol: 4,
      maxProtocol: 4,
      client: { id: "cli", version: "1", platform: "linux", mode: "cli" },
      scopes: ["operator.read"],
    });
    return client;
  }

  /** Every request has its answer. */
  get settled(): boolean {
    return this.answers.size === this.asked;
  }

  stop(): void {
    this.#stopped = true;
  }

  end(): void {
    this.#socket.terminate();
  }

  #ask(method: string, params: object): void {
    this.#socket.send(JSON.stringify({ type: "req", id: String(this.asked), method, params }));
    this.asked += 1;
  }
}
