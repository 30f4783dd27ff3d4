/** What the gateway's own section comes to: where it listens, whom it believes, what opens it. */
import type { Secret } from "../../shared/secret.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { areLoopback, type Hosts, hostsOf, type Machine } from "./bind.ts";
import type { Credential } from "./credential.ts";
import type { Issue } from "./issues/error.ts";
import { networkSet } from "./networks.ts";
import type { Overrides } from "./environment/overrides.ts";
import type { Config } from "./schema.ts";

export type GatewayAuthMode = NonNullable<Config["gateway"]["auth"]["mode"]>;

export interface GatewaySettings {
  /** Where programs of this machine reach it. */
  readonly host: string;
  /** Further addresses to listen on. */
  readonly alsoHosts: readonly string[];
  /** 0: any free port. */
  readonly port: number;
  readonly authMode: GatewayAuthMode;
  /** The shared secret: the token, or in password mode the password. */
  readonly token: Credential;
  /** Undefined: nobody is let in by the word of a proxy. */
  readonly trustedProxy: Config["gateway"]["auth"]["trustedProxy"];
  /** What its users' devices are paired with, at most, without anybody's word; undefined: they are not. */
  readonly vouchedScopes?: readonly string[] | undefined;
  /** Further host names people reach us by, lower case, without port. */
  readonly allowedHosts: ReadonlySet<string>;
  /** Origins whose pages may use the gateway beside its own, lower case. */
  readonly allowedOrigins: ReadonlySet<string>;
  /** Whether the proxy at this address is believed when it says who calls. */
  readonly trusts: (address: string) => boolean;
  readonly allowRealIpFallback: boolean;
  /** Whether `?token=` in a URL is taken for a credential. */
  readonly takesUrlToken: boolean;
  /** Whether devices of this machine are paired without a word. */
  readonly autoApproveLocal: boolean;
  /** Whether nodes at this address are. */
  readonly autoApproves: (address: string) => boolean;
}

/** How callers prove that they may: by a flag, by the file, or by what secret there is. Pure. */
export function authModeOf(
  { auth }: Pick<Config["gateway"], "auth">,
  { authMode, token, password }: Pick<Overrides, "authMode" | "token" | "password">,
): GatewayAuthMode {
  const hasPassword = (password ?? auth.password) !== undefined;
  const hasToken = (token ?? auth.token) !== undefined;
  return authMode ?? auth.mode ?? (hasPassword && !hasToken ? "password" : "token");
}

/** The password as it was set; undefined where there is none. Pure. */
export function passwordOf(
  { auth }: Pick<Config["gateway"], "auth">,
  { password }: Pick<Overrides, "password">,
): Credential | undefined {
  if (password !== undefined) return password;
  const secret: Secret | undefined = auth.password;
  return secret && { source: "config", secret };
}

/** All but the shared secret, which may have to be made first. */
export function gatewaySettingsOf(
  { gateway, sallyport }: Config,
  overrides: Overrides,
  machine: Machine,
): Result<Omit<GatewaySettings, "token">, Issue> {
  const mode = overrides.bind ?? gateway.bind;
  const hosts = hostsOf(mode, gateway.customBindHost, machine);
  if (!hosts.ok) return err({ path: "gateway.bind", message: hosts.error });
  const authMode = authModeOf(gateway, overrides);
  const hasPassword = passwordOf(gateway, overrides) !== undefined;
  const fault = authFault(gateway, { authMode, bind: mode, hosts: hosts.value, hasPassword });
  if (fault !== undefined) return err(fault);
  const [host, ...alsoHosts] = hosts.value;
  const { autoApproveLocal, autoApproveCidrs } = gateway.nodes.pairing;
  return ok({
    host,
    alsoHosts,
    port: overrides.port ?? gateway.port,
    authMode,
    trustedProxy: authMode === "trusted-proxy" ? gateway.auth.trustedProxy : undefined,
    vouchedScopes: authMode === "trusted-proxy" ? vouchedScopesOf(gateway) : undefined,
    allowedHosts: allowedHostsOf(gateway.publicOrigin),
    // A star is read, for the files that have one, and means nobody.
    allowedOrigins: new Set(gateway.controlUi.allowedOrigins.filter((one) => one !== "*")),
    trusts: networkSet(gateway.trustedProxies),
    allowRealIpFallback: gateway.allowRealIpFallback,
    takesUrlToken: sallyport.legacy.queryToken,
    autoApproveLocal,
    autoApproves: networkSet(autoApproveCidrs),
  });
}

/** For the person who runs the gateway. Pure. */
export function gatewayWarnings({ gateway, sallyport }: Config): string[] {
  return [
    ...proxyWarnings(gateway),
    ...(gateway.controlUi.allowedOrigins.includes("*")
      ? ['gateway.controlUi.allowedOrigins: "*" is passed over: name the pages that may come in']
      : []),
    ...(vouchedScopesOf(gateway)?.includes("operator.admin") === true
      ? [
          "gateway.auth.trustedProxy.deviceAutoApprove.scopes: with operator.admin every user of the proxy may become an administrator for good",
        ]
      : []),
    ...(sallyport.legacy.queryToken
      ? ["sallyport.legacy.queryToken takes tokens from URLs, which end up in histories and logs"]
      : []),
  ];
}

/** Of a proxy on this machine, which looks like every other program there. */
function proxyWarnings({ auth, trustedProxies }: Config["gateway"]): string[] {
  if (auth.mode !== "trusted-proxy" || auth.trustedProxy === undefined) return [];
  const trusts = networkSet(trustedProxies);
  if (!trusts("127.0.0.1") && !trusts("::1")) return [];
  return auth.trustedProxy.allowLoopback
    ? [
        "gateway.auth.trustedProxy.allowLoopback: every program of this machine may say who calls; let none run there that you do not trust",
      ]
    : [
        "gateway.trustedProxies names this machine, and a proxy there may not say who calls: set gateway.auth.trustedProxy.allowLoopback to true if you trust every program of it",
      ];
}

/** What a device gets by the word of a proxy alone, at most; undefined: nothing. Pure. */
function vouchedScopesOf({ auth }: Config["gateway"]): readonly string[] | undefined {
  const { enabled = false, scopes } = auth.trustedProxy?.deviceAutoApprove ?? {};
  return enabled ? scopes : undefined;
}

interface Opening {
  readonly authMode: GatewayAuthMode;
  readonly bind: string;
  readonly hosts: Hosts;
  readonly hasPassword: boolean;
}

function authFault(
  { auth, trustedProxies }: Config["gateway"],
  { authMode, bind, hosts, hasPassword }: Opening,
): Issue | undefined {
  if (authMode === "password" && !hasPassword) {
    const message = 'is needed when gateway.auth.mode is "password", or OPENCLAW_GATEWAY_PASSWORD';
    return { path: "gateway.auth.password", message };
  }
  if (authMode === "none" && !areLoopback(hosts)) {
    const message = `Refusing to bind gateway to ${bind} without auth: set gateway.auth.mode to "token" or "password", or gateway.bind to "loopback"`;
    return { path: "gateway.bind", message };
  }
  if (authMode !== "trusted-proxy") return undefined;
  if (auth.trustedProxy === undefined) {
    const message = 'is needed when gateway.auth.mode is "trusted-proxy": name its userHeader';
    return { path: "gateway.auth.trustedProxy", message };
  }
  if (trustedProxies.length > 0) return undefined;
  const message = 'must name the proxy when gateway.auth.mode is "trusted-proxy"';
  return { path: "gateway.trustedProxies", message };
}

function allowedHostsOf(publicOrigin: string | undefined): ReadonlySet<string> {
  return new Set(publicOrigin === undefined ? [] : [new URL(publicOrigin).hostname]);
}
