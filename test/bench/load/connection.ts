import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { ResponseReader } from "./response-reader.ts";

/** How long a peer may be silent before the measurement is given up: nothing measured here is slow. */
const SILENCE_MS = 30_000;

interface Exchange {
  readonly reader: ResponseReader;
  readonly resolve: (status: number) => void;
  readonly reject: (error: Error) => void;
}

/** One keep-alive connection to a loopback port; one request at a time. */
export class Connection implements Disposable {
  readonly #socket: Socket;
  #exchange: Exchange | undefined;

  static async open(port: number): Promise<Connection> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return new Connection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error("silent for too long")));
    socket.on("error", (error) => this.#exchange?.reject(error));
    socket.on("close", () => this.#exchange?.reject(new Error("the connection closed")));
    socket.on("data", (chunk) => {
      const exchange = this.#exchange;
      if (exchange === undefined) return;
      try {
        if (!exchange.reader.push(chunk)) return;
      } catch (error) {
        exchange.reject(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      this.#exchange = undefined;
      exchange.resolve(exchange.reader.status);
    });
  }

  /**
   * Sends a whole request, head and body; resolves with the status once the answer is complete.
   *
   * @throws Error when the connection is lost, or the answer is not HTTP.
   */
  request(
    parts: readonly (Buffer | string)[],
    onBody: (bytes: Buffer) => void = () => {},
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#exchange = { reader: new ResponseReader(onBody), resolve, reject };
      if (parts.length > 1) this.#socket.cork();
      for (const part of parts) this.#socket.write(part);
      if (parts.length > 1) this.#socket.uncork();
    });
  }

  [Symbol.dispose](): void {
    this.#exchange = undefined;
    this.#socket.destroy();
  }
}
