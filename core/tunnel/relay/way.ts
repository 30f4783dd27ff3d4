import { readFile } from "node:fs/promises";
import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { checkServerIdentity, type ConnectionOptions } from "node:tls";
import { GatewayError } from "../../../shared/errors.ts";
import { proxyFor } from "./proxy.ts";
import type { TunnelSettings } from "../settings.ts";

/** What stands between us and the edge, set up anew for each attempt: files and names may change. */
export interface Way {
  /** Not kept alive: each attempt looks the name up again and has a socket of its own. */
  readonly agent: HttpAgent;
  /** Of every request, beside its own. */
  readonly headers: Readonly<Record<string, string>>;
  /** A client certificate, and whose the edge's must be. */
  readonly tls: Pick<ConnectionOptions, "cert" | "key" | "checkServerIdentity">;
  /** Host of the proxy, for people; its URL may hold a password. */
  readonly proxy: string | undefined;
  /** The status by which the proxy refused; undefined when it did not. */
  refusedBy(): number | undefined;
  /** Cuts a proxy that has not answered yet: nobody else holds that socket. */
  cut(): void;
  /** Aborts with `cut`. */
  readonly signal: AbortSignal;
}

/** @throws GatewayError when the client certificate cannot be read. */
export async function findWay(url: URL, settings: TunnelSettings): Promise<Way> {
  const { access, tls, environment } = settings;
  const proxy = proxyFor(url, settings.proxy, environment);
  const headers: Record<string, string> = {};
  if (access !== undefined) {
    headers["CF-Access-Client-Id"] = access.clientId;
    headers["CF-Access-Client-Secret"] = access.clientSecret.reveal();
  }
  const over = new AbortController();
  const files = tls === undefined ? {} : await readCertificate(tls);
  const { hostname } = url;
  const { signal } = over;
  let status: number | undefined;
  const onConnect = (code: number): void => {
    status = code === 200 ? undefined : code;
  };
  const agent = proxy === undefined ? directAgent(url) : await proxyAgent(proxy, signal, onConnect);
  return {
    agent,
    headers,
    // The agent forgets the host where it is an address, and "localhost" would be looked for.
    tls: {
      ...files,
      checkServerIdentity: (_host, cert) => checkServerIdentity(bare(hostname), cert),
    },
    proxy: proxy?.host,
    refusedBy: () => status,
    cut: () => over.abort(),
    signal,
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** The first `MAX_BODY_BYTES` of it. */
  readonly text: string;
}

/** What of an answer is read. */
const MAX_BODY_BYTES = 16 * 1024;

/** A POST without a body. @throws Error when there is no answer within `timeoutMs`. */
export async function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  way: Way,
  timeoutMs: number,
): Promise<Answer> {
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const patience = setTimeout(() => way.cut(), timeoutMs);
  const outgoing = send(url, {
    method: "POST",
    headers: { ...way.headers, ...headers, "Content-Length": "0" },
    agent: way.agent,
    ...way.tls,
    signal: way.signal,
  });
  outgoing.end();
  try {
    const response = await responseOf(outgoing);
    const { statusCode: status = 0 } = response;
    return { status, headers: response.headers, text: await readText(response) };
  } finally {
    clearTimeout(patience);
    outgoing.destroy();
  }
}

function responseOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once("response", resolve);
    // Stays: what fails after the answer must not end the process.
    outgoing.on("error", reject);
  });
}

/** What an answer says, as far as it is worth reading; anything in between may have written it. */
export async function readText(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > MAX_BODY_BYTES) break;
  }
  return text;
}

/** Without the brackets that a URL puts around IPv6. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

function directAgent(url: URL): HttpAgent {
  const options = { keepAlive: false };
  return url.protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
}

/** @param onConnect - Hears the status by which the proxy answers CONNECT. */
async function proxyAgent(
  proxy: URL,
  signal: AbortSignal,
  onConnect: (status: number) => void,
): Promise<HttpAgent> {
  // Loaded by those who have a proxy: most cores have none.
  const { HttpsProxyAgent } = await import("https-proxy-agent");
  const agent = new HttpsProxyAgent(proxy, { signal });
  agent.on("proxyConnect", ({ statusCode }: { readonly statusCode: number }) => {
    onConnect(statusCode);
  });
  return agent;
}

async function readCertificate({
  certFile,
  keyFile,
}: NonNullable<TunnelSettings["tls"]>): Promise<Way["tls"]> {
  try {
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
    return { cert, key };
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    const message = `The client certificate for the edge cannot be read: ${certFile}, ${keyFile} (${code})`;
    throw new GatewayError("internal", message, { cause });
  }
}
