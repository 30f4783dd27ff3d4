import { once } from "node:events";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { ApiError, FakeWorker, Metadata, type Upload } from "./fake-cloudflare-worker.ts";

export const FAKE_ACCOUNT = "0123456789abcdef0123456789abcdef";
export const FAKE_TOKEN = "a-token-that-opens-the-fake";

/**
 * The part of Cloudflare's API that wrangler uses for deploys, on a loopback port, for one account
 * and one token.
 *
 * Source: https://developers.cloudflare.com/api/resources/workers/ and wrangler's own requests
 */
export class FakeCloudflare implements AsyncDisposable {
  readonly workers = new Map<string, FakeWorker>();
  /** `METHOD /path` below the account's Workers, in order. */
  readonly calls: string[] = [];
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => void this.#serve(request, response));
  }

  /** For CLOUDFLARE_API_BASE_URL. */
  get baseUrl(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `http://127.0.0.1:${address.port}/client/v4`;
  }

  /** @throws Error when it was never deployed. */
  worker(name: string): FakeWorker {
    const worker = this.workers.get(name);
    if (worker === undefined) throw new Error(`no Worker "${name}"`);
    return worker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await buffer(request);
      const result = await this.#call(request, body);
      json(response, 200, { success: true, errors: [], messages: [], result });
    } catch (error) {
      const { status, code, message } =
        error instanceof ApiError ? error : new ApiError(500, 10_013, String(error));
      const errors = [{ code, message }];
      json(response, status, { success: false, errors, messages: [], result: null });
    }
  }

  async #call(request: IncomingMessage, body: Buffer): Promise<unknown> {
    const { pathname } = new URL(request.url ?? "/", "http://fake");
    if (request.headers.authorization !== `Bearer ${FAKE_TOKEN}`) {
      throw new ApiError(403, 10_000, "Authentication error");
    }
    const prefix = `/client/v4/accounts/${FAKE_ACCOUNT}/workers/`;
    if (!pathname.startsWith(prefix)) throw new ApiError(404, 7003, "Could not route to the path");
    const path = pathname.slice(prefix.length);
    this.calls.push(`${request.method ?? ""} ${path}`);
    const [kind = "", name = "", ...rest] = path.split("/");
    const worker = this.workers.get(name);
    switch (kind) {
      case "subdomain":
        return { subdomain: "acme" };
      case "services":
        if (worker === undefined) throw new ApiError(404, 10_090, "service_not_found");
        return worker.service;
      case "workers":
        return { id: name, name, subdomain: found(worker).subdomain };
      case "scripts":
        return this.#script(request, { name, path: rest, body });
      default:
        throw new ApiError(404, 7003, `Could not route to /${path}`);
    }
  }

  async #script(
    { method, headers }: IncomingMessage,
    { name, path, body }: { name: string; path: readonly string[]; body: Buffer },
  ): Promise<unknown> {
    const type = headers["content-type"];
    const known = this.workers.get(name);
    if (method === "PUT" && path.length === 0) {
      const worker = known ?? new FakeWorker(name);
      const answer = worker.put(await upload(body, type));
      this.workers.set(name, worker);
      return answer;
    }
    const worker = found(known);
    const [what = ""] = path;
    if (method === "GET") return worker.read(what, path[1]);
    if (what === "versions") return worker.upload(await upload(body, type));
    return worker.change(path.join("/"), JSON.parse(body.toString()));
  }
}

function found(worker: FakeWorker | undefined): FakeWorker {
  if (worker !== undefined) return worker;
  throw new ApiError(404, 10_007, "This Worker does not exist on your account.");
}

/** A multipart body: `metadata` and one part a module. */
async function upload(body: Buffer, type: string | undefined): Promise<Upload> {
  const headers = { "Content-Type": type ?? "" };
  const form = await new Response(new Uint8Array(body), { headers }).formData();
  const modules = new Map<string, string>();
  let metadata: unknown;
  for (const [name, part] of form) {
    const text = typeof part === "string" ? part : await part.text();
    if (name === "metadata") metadata = JSON.parse(text);
    else modules.set(name, text);
  }
  return { metadata: Metadata.parse(metadata), modules };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

/** Starts the API on a free loopback port, for an account without Workers. */
export async function startFakeCloudflare(): Promise<FakeCloudflare> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return new FakeCloudflare(server);
}
