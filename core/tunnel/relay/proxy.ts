/** Which proxy, if any, leads to a URL. Pure. */

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param setting - What the config says: a proxy, false for none, undefined for the environment.
 * @param environment - `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; lower case wins, as with curl.
 * @returns undefined for a direct connection, also when the variable holds no URL.
 */
export function proxyFor(
  url: URL,
  setting: URL | false | undefined,
  environment: Environment = {},
): URL | undefined {
  if (setting !== undefined) return setting === false ? undefined : setting;
  // As in Go: what runs on this machine is not behind a proxy of the company.
  if (isLoopback(url.hostname) || isExempt(url, variable(environment, "no_proxy"))) {
    return undefined;
  }
  return parse(variable(environment, url.protocol === "https:" ? "https_proxy" : "http_proxy"));
}

function parse(given: string): URL | undefined {
  if (given === "") return undefined;
  const proxy = URL.parse(given.includes("://") ? given : `http://${given}`);
  return proxy !== null && /^https?:$/.test(proxy.protocol) ? proxy : undefined;
}

function variable(environment: Environment, name: string): string {
  return (environment[name] ?? environment[name.toUpperCase()] ?? "").trim();
}

/** `*`, or names with all below them, each with a port or without. */
function isExempt({ hostname, port, protocol }: URL, list: string): boolean {
  const ownPort = port === "" ? (protocol === "https:" ? "443" : "80") : port;
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === "*") return true;
    const [, name = "", only] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    const bare = name.replace(/^\*?\./, "");
    if (bare === "" || (only !== undefined && only !== ownPort)) return false;
    return hostname === bare || hostname.endsWith(`.${bare}`);
  });
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}
