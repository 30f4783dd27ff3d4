/** Whether the edge's address can work at all, and by which way it is reached. Pure. */
import { failed, ok, type Verdict, warning } from "./finding.ts";

/** Where the edge's address was found. */
export type AddressSource = "flag" | "config" | "gateway";

const SOURCES: Readonly<Record<AddressSource, string>> = {
  flag: "from --edge",
  config: "from the config",
  gateway: "as the running gateway dials it",
};

/** The address an edge has at `host`: without TLS on this machine only. */
export function edgeAt(host: string): URL | null {
  const secure = URL.parse(`https://${host}`);
  return secure !== null && isLoopback(secure) ? URL.parse(`http://${host}`) : secure;
}

export interface AddressFacts {
  readonly url: URL;
  readonly source: AddressSource;
  /** The gateway's own port on this machine; undefined for a gateway elsewhere. */
  readonly ownPort: number | undefined;
  /** Host the running gateway dials; undefined when it did not say. */
  readonly dialled: string | undefined;
}

export function judgeAddress({ url, source, ownPort, dialled }: AddressFacts): Verdict {
  const from = `${url.origin} (${SOURCES[source]})`;
  if (url.protocol !== "https:" && !isLoopback(url)) {
    return failed(`${from} is not encrypted`, "use https: tokens cross this connection");
  }
  if (isLoopback(url) && ownPort !== undefined && portOf(url) === ownPort) {
    return failed(
      `${from} is the gateway's own port: its requests would come back to it`,
      "set sallyport.edge.url to the address of the edge",
    );
  }
  if (dialled !== undefined && source !== "gateway" && dialled !== url.host) {
    return warning(
      `${from}, but the running gateway dials ${dialled}`,
      "restart the gateway, or check which config it reads (OPENCLAW_CONFIG_PATH)",
    );
  }
  if (url.pathname !== "/" || url.search !== "") {
    return warning(`${from}: its path is not used`, "an edge has a host name of its own");
  }
  return ok(from);
}

export interface ProxyFacts {
  readonly url: URL;
  /** The one in effect. */
  readonly proxy: URL | undefined;
  /** What the config says. */
  readonly setting: URL | false | undefined;
  /** HTTPS_PROXY and its kin, in either case. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

export function judgeProxy({ url, proxy, setting, variables }: ProxyFacts): Verdict {
  if (proxy !== undefined) {
    const from = setting === undefined ? "as the environment says" : "as sallyport.edge.proxy says";
    return ok(`through ${proxy.host}, ${from}`);
  }
  if (setting === false) return ok("none: sallyport.edge.proxy is false");
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const given = variables[name.toLowerCase()] ?? variables[name] ?? "";
  if (given.trim() === "") return ok("none is set");
  if (isLoopback(url)) return ok(`none: ${name} is set, but the edge is on this machine`);
  const exempt = variables["no_proxy"] ?? variables["NO_PROXY"] ?? "";
  if (isUrl(given)) return ok(`none: NO_PROXY (${exempt}) takes the edge out of ${name}`);
  return warning(
    `none: ${name} is set to something that is no URL of a proxy`,
    `write ${name}=http://host:port`,
  );
}

export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

/** The port that is dialled, also when the URL leaves it out. */
export function portOf({ port, protocol }: URL): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

function isUrl(given: string): boolean {
  const text = given.trim();
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  return url !== null && /^https?:$/.test(url.protocol);
}
