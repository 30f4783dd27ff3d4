/** By which address a new device reaches this gateway. Pure. */
import { err, ok, type Result } from "../../shared/result.ts";
import { isLoopbackAddress, networkSet } from "../config/networks.ts";

/** What there is to know of where we can be reached. */
export interface SetupPlaces {
  readonly edgeUrl: string | undefined;
  readonly publicOrigin: string | undefined;
  readonly remoteUrl: string | undefined;
  /** Addresses we listen on. */
  readonly hosts: readonly string[];
  readonly port: number;
  /** Addresses of this machine. */
  readonly addresses: readonly string[];
}

export interface SetupWish {
  readonly publicUrl?: string | undefined;
  readonly preferRemoteUrl?: boolean | undefined;
}

export interface SetupAddress {
  /** `wss:` or `ws:`; the first one first. */
  readonly urls: readonly [string, ...string[]];
  /** The setting it is from. */
  readonly source: string;
  /** Whoever listens on the way could take the code: it must not be worth everything. */
  readonly isPlain: boolean;
}

/** More is nobody's home network. Also the protocol's own limit. */
const MAX_URLS = 8;
/** Networks that are one's own; those of a tailnet have TLS, and are asked to use it. */
const isPrivate = networkSet([
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16",
  "fc00::/7",
]);
const isTailnet = networkSet(["100.64.0.0/10", "fd7a:115c:a1e0::/48"]);
const EVERYWHERE: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** @returns What is in the way, and what to do about it. */
export function setupAddress(wish: SetupWish, places: SetupPlaces): Result<SetupAddress, string> {
  const { publicUrl, preferRemoteUrl } = wish;
  if (publicUrl !== undefined) return addressOf([publicUrl], "publicUrl");
  const { remoteUrl, edgeUrl, publicOrigin } = places;
  if (preferRemoteUrl === true) {
    return remoteUrl === undefined
      ? err("gateway.remote.url is not set")
      : addressOf([remoteUrl], "gateway.remote.url");
  }
  if (edgeUrl !== undefined) return addressOf([edgeUrl], "sallyport.edge.url");
  if (publicOrigin !== undefined) return addressOf([publicOrigin], "gateway.publicOrigin");
  const near = nearby(places);
  return near.length > 0
    ? addressOf(near, "gateway.bind")
    : err(
        "this gateway is reached from this machine alone: connect an edge (sallyport onboard), set gateway.publicOrigin or gateway.bind, or name its address with --url",
      );
}

/** Of the networks around us, where we listen. */
function nearby({ hosts, addresses, port }: SetupPlaces): string[] {
  const open = hosts.some((host) => EVERYWHERE.has(host)) ? addresses : hosts;
  return open
    .filter((host) => isPrivate(host) && !isTailnet(host))
    .slice(0, MAX_URLS)
    .map((host) => `ws://${host.includes(":") ? `[${host}]` : host}:${port}`);
}

function addressOf(texts: readonly string[], source: string): Result<SetupAddress, string> {
  const urls: string[] = [];
  let isPlain = false;
  for (const text of texts) {
    const url = webSocketUrl(text);
    if (url === undefined) return err(`${source} is no http, https, ws or wss address`);
    const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
    const isSafe = url.protocol === "wss:" || host === "localhost" || isLoopbackAddress(host);
    const isNear = host.endsWith(".local") || (isPrivate(host) && !isTailnet(host));
    if (!isSafe && !isNear) {
      return err(`${source} has no TLS: a code would be read on the way; give a wss:// address`);
    }
    isPlain ||= !isSafe;
    urls.push(url.href.replace(/\/$/, ""));
  }
  const [first, ...others] = urls;
  return first === undefined
    ? err(`${source} names no address`)
    : ok({ urls: [first, ...others], source, isPlain });
}

function webSocketUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null || url.hostname === "" || url.username !== "" || url.password !== "") {
    return undefined;
  }
  if (!/^(?:https?|wss?):$/.test(url.protocol)) return undefined;
  url.protocol = url.protocol.replace(/^http/, "ws");
  url.search = "";
  url.hash = "";
  return url;
}
