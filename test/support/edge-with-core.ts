import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { type EdgeOptions, type RunningEdge, startEdge } from "./edge.ts";
import { connectCore, type TunnelCore, type TunnelCoreOptions } from "./tunnel-core.ts";

export interface EdgeWithCore extends AsyncDisposable {
  readonly edge: RunningEdge;
  readonly core: TunnelCore;
  readonly pairing: Secret;
  /** A request to the edge by its path. Redirects are answers here, not something to follow. */
  call(path: string, init?: RequestInit & { readonly token?: string }): Promise<Response>;
}

/** An edge and a core of the same pairing secret, connected. */
export async function startEdgeWithCore(
  core: Omit<TunnelCoreOptions, "edge" | "pairing"> = {},
  options: EdgeOptions = {},
): Promise<EdgeWithCore> {
  await using parts = new AsyncDisposableStack();
  const pairing = new Secret(randomToken());
  const bindings = { PAIRING_SECRET: pairing.reveal(), ...options.bindings };
  const edge = parts.use(await startEdge({ ...options, bindings }));
  const connected = parts.use(await connectCore({ ...core, edge: edge.url, pairing }));
  const rest = parts.move();
  return {
    edge,
    core: connected,
    pairing,
    call: (path, init) => callEdge(edge.url, path, init),
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/** A request by its path, with a bearer token if given. */
export function callEdge(
  base: URL,
  path: string,
  { token, ...init }: RequestInit & { readonly token?: string } = {},
): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
  return fetch(new URL(path, base), { redirect: "manual", ...init, headers });
}
