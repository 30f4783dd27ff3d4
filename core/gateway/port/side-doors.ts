import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/** This machine has no such address, or speaks no IPv6 at all. */
const ABSENT: ReadonlySet<string> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"]);

/** Further addresses of a server: what connects there is handed to it. */
export class SideDoors {
  readonly #servers: Server[] = [];
  readonly #maxConnections: number;
  readonly #take: (socket: Socket) => void;

  constructor(maxConnections: number, take: (socket: Socket) => void) {
    this.#maxConnections = maxConnections;
    this.#take = take;
  }

  /**
   * Listens at those of `hosts` that this machine has.
   *
   * @throws whatever Node says, when another program has the port there.
   */
  async open(hosts: readonly string[], port: number): Promise<void> {
    for (const host of hosts) {
      const server = createServer(this.#take);
      server.maxConnections = this.#maxConnections;
      server.listen({ port, host, ipv6Only: host.includes(":") });
      try {
        await once(server, "listening");
        this.#servers.push(server);
      } catch (error) {
        const code = error instanceof Error && "code" in error ? String(error.code) : "";
        if (!ABSENT.has(code)) throw error;
      }
    }
  }

  /** Lets nobody else in. */
  close(): void {
    for (const server of this.#servers.splice(0)) server.close();
  }
}
