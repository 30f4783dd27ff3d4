import { lookup } from "node:dns/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect, isIP } from "node:net";
import type { Duplex } from "node:stream";
import type { AddressAnswer, LookupAnswer, ProxyAnswer } from "../verdicts/network.ts";
import { reasonOf } from "./reason.ts";

/** As many as are tried; a name can have dozens. */
const MAX_ADDRESSES = 4;

export async function lookUp(hostname: string, timeoutMs: number): Promise<LookupAnswer> {
  try {
    const found = await within(lookup(hostname, { all: true }), timeoutMs);
    const addresses = found.map(({ address }) => address);
    return { result: "found", addresses: [...new Set(addresses)].slice(0, MAX_ADDRESSES) };
  } catch (error) {
    return { result: "failed", reason: reasonOf(error) };
  }
}

/** Opens a connection to each address and closes it again. */
export function knock(
  addresses: readonly string[],
  port: number,
  timeoutMs: number,
): Promise<AddressAnswer[]> {
  return Promise.all(
    addresses.map(async (address) => {
      const startedAt = performance.now();
      const opened = await open(address, port, timeoutMs);
      if (opened.result !== "open") return { address, ms: undefined, reason: opened.reason };
      opened.socket.destroy();
      return { address, ms: performance.now() - startedAt, reason: "" };
    }),
  );
}

type Opened = Extract<Passage, { readonly result: "open" | "unreachable" }>;

/** Never throws. The caller owns the socket. */
export function open(host: string, port: number, timeoutMs: number): Promise<Opened> {
  const { promise, resolve } = Promise.withResolvers<Opened>();
  const socket = connect({ host, port });
  const timer = setTimeout(() => socket.destroy(new Error("no answer in time")), timeoutMs);
  // Stays: what fails later, unheard of, must not end the process.
  socket.on("error", (error) => resolve({ result: "unreachable", reason: reasonOf(error) }));
  socket.once("connect", () => resolve({ result: "open", socket }));
  return promise.finally(() => clearTimeout(timer));
}

export type Passage =
  | { readonly result: "open"; readonly socket: Duplex }
  | Exclude<ProxyAnswer, { readonly result: "open" }>;

/**
 * Has a proxy connect us. The caller owns the socket.
 *
 * Source: RFC 9110 section 9.3.6.
 *
 * @param target - `host:port`
 */
export function passProxy(proxy: URL, target: string, timeoutMs: number): Promise<Passage> {
  const { promise, resolve } = Promise.withResolvers<Passage>();
  const send = proxy.protocol === "https:" ? httpsRequest : httpRequest;
  const outgoing = send({
    host: bare(proxy.hostname),
    port: proxy.port === "" ? (proxy.protocol === "https:" ? 443 : 80) : proxy.port,
    method: "CONNECT",
    path: target,
    headers: { Host: target, ...credentialsOf(proxy) },
    agent: false,
  });
  const timer = setTimeout(() => outgoing.destroy(new Error("no answer in time")), timeoutMs);
  outgoing.once("connect", ({ statusCode = 0 }, socket: Duplex) => {
    socket.on("error", () => undefined);
    if (statusCode === 200) resolve({ result: "open", socket });
    else {
      socket.destroy();
      resolve({ result: "refused", status: statusCode });
    }
  });
  // Some answer a refusal as if it were any other request.
  outgoing.once("response", ({ statusCode = 0 }) => {
    resolve({ result: "refused", status: statusCode });
    outgoing.destroy();
  });
  outgoing.on("error", (error) => resolve({ result: "unreachable", reason: reasonOf(error) }));
  outgoing.end();
  return promise.finally(() => clearTimeout(timer));
}

/** Whether there is nothing to look up. */
export function isAddress(hostname: string): boolean {
  return isIP(bare(hostname)) !== 0;
}

/** Without the brackets that a URL puts around IPv6. */
export function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "Proxy-Authorization": `Basic ${Buffer.from(text, "utf8").toString("base64")}` };
}

async function within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("no answer in time")), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
