import { once } from "node:events";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { WebSocket } from "ws";

export interface RawRequest {
  readonly method?: string;
  /** Sent as they are: `fetch` writes `Sec-Fetch-Mode` and its kind itself. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A request with exactly the headers a browser, or somebody who plays one, would send. */
export async function rawRequest(
  base: URL,
  path: string,
  { method = "GET", headers = {}, body = "" }: RawRequest = {},
): Promise<RawResponse> {
  const { hostname, port } = base;
  // By path and not by URL: that would be normalised here already.
  const call = request({ hostname, port, path, method, headers, agent: false });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  call.once("response", resolve).once("error", reject);
  call.end(body);
  const response = await promise;
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(Buffer.from(part));
  const text = Buffer.concat(parts).toString();
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

/** The status by which an upgrade to a WebSocket is answered; 101 is closed again at once. */
export async function upgradeStatus(
  base: URL,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const url = new URL(path, base);
  url.protocol = "ws:";
  const socket = new WebSocket(url, { headers });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  socket.once("unexpected-response", (_request, response: IncomingMessage) => {
    response.resume();
    resolve(response.statusCode ?? 0);
  });
  socket.once("open", () => resolve(101));
  socket.once("error", reject);
  const status = await promise;
  if (status === 101) {
    socket.close();
    await once(socket, "close");
  }
  return status;
}
