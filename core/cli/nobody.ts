import { GatewayError } from "../../shared/errors.ts";
import type { Target } from "./target.ts";

/** What to do about an address where no gateway is, by where the address came from. */
const REMEDY: Readonly<Record<NonNullable<Target["source"]>, string>> = {
  local: "start it (sallyport gateway), or say where it is with --port or --url",
  flag: "see that the gateway runs there, and that --url is its address",
  env: "see that the gateway runs there, and that OPENCLAW_GATEWAY_URL is its address",
  remote: "see that the gateway runs there, and that gateway.remote.url is its address",
};

/** That nothing listens where the gateway should be, and what to do. Pure. */
export function nobodyAt({ url, source = "flag" }: Pick<Target, "url" | "source">): GatewayError {
  const message = `no gateway at ${url}: nothing listens there; ${REMEDY[source]}`;
  return new GatewayError("core_offline", message);
}
