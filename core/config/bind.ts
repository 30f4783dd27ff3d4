/** On which addresses the gateway listens. Pure but for the two looks at this machine. */
import { existsSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { err, ok, type Result } from "../../shared/result.ts";
import { networkSet } from "./networks.ts";
import type { Environment } from "./paths.ts";

export type BindMode = "loopback" | "lan" | "tailnet" | "auto" | "custom";

/** The first one is where programs of this machine reach us. */
export type Hosts = readonly [string, ...string[]];

/** What there is to know of the machine. */
export interface Machine {
  /** Of all its interfaces. */
  readonly addresses: readonly string[];
  /** Its loopback is its own: nobody outside can come in by it. */
  readonly isContainer: boolean;
}

const LOOPBACK: Hosts = ["127.0.0.1", "::1"];
const EVERYWHERE: Hosts = ["0.0.0.0"];
/** Addresses that Tailscale gives out. Source: https://tailscale.com/kb/1015/100.x-addresses */
const isTailnet = networkSet(["100.64.0.0/10", "fd7a:115c:a1e0::/48"]);

/**
 * @param customHost - `gateway.customBindHost`.
 * @returns What is in the way, and what to do about it.
 */
export function hostsOf(
  mode: BindMode,
  customHost: string | undefined,
  { addresses, isContainer }: Machine,
): Result<Hosts, string> {
  switch (mode) {
    case "loopback":
      return ok(LOOPBACK);
    case "lan":
      return ok(EVERYWHERE);
    case "auto":
      return ok(isContainer ? EVERYWHERE : LOOPBACK);
    case "custom":
      return customHost === undefined
        ? err('needs gateway.customBindHost when it is "custom"')
        : ok(withLoopback([customHost]));
    case "tailnet":
      return tailnetHosts(addresses);
  }
}

/** Whether only programs of this machine reach these. */
export function areLoopback(hosts: Hosts): boolean {
  return hosts.every(networkSet(["127.0.0.0/8", "::1"]));
}

/** The machine we run on. */
export function thisMachine(env: Environment): Machine {
  const interfaces = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
  return {
    addresses: interfaces.map(({ address }) => address),
    isContainer: hasContainerSigns(env),
  };
}

/** IPv4 first: it can be typed. */
function tailnetHosts(addresses: readonly string[]): Result<Hosts, string> {
  const own = addresses.filter(isTailnet);
  const first = own.find((one) => !one.includes(":")) ?? own[0];
  if (first === undefined) {
    return err(
      "finds no address of a tailnet here: start Tailscale (tailscale up), or use loopback or lan",
    );
  }
  return ok(withLoopback([first, ...own.filter((one) => one !== first)]));
}

/** For the command line, which knocks there. */
function withLoopback(hosts: Hosts): Hosts {
  const has = hosts.some((one) => one === "0.0.0.0" || one === "::" || one.startsWith("127."));
  return has ? hosts : [...hosts, "127.0.0.1"];
}

/** Docker, Podman and Kubernetes leave a sign each. */
function hasContainerSigns(env: Environment): boolean {
  return (
    env["KUBERNETES_SERVICE_HOST"] !== undefined ||
    env["container"] !== undefined ||
    existsSync("/.dockerenv") ||
    existsSync("/run/.containerenv")
  );
}
