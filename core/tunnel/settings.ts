import type { Secret } from "../../shared/secret.ts";
import type { Shelf } from "./identity/identity.ts";

/** How the core reaches its edge. */
export interface TunnelSettings {
  /** Base URL of the edge, as people see it. */
  readonly edge: URL;
  /** Set when the edge was given the same secret, to let our key in. */
  readonly pairing: Secret | undefined;
  /** Of the product, for the edge's `/health`. */
  readonly version: string;
  /** Where `tunnel.json` is kept, which says who we are. */
  readonly stateDir: string;
  /** The store's, where older versions kept that; read once. A core that stands by has none. */
  readonly shelf?: Shelf | undefined;
  /** Default: leader. */
  readonly mode?: "leader" | "standby" | "shared" | undefined;
  /** A service token of Cloudflare Access, where that stands before the edge. */
  readonly access?: { readonly clientId: string; readonly clientSecret: Secret } | undefined;
  /** PEM files of a client certificate, where the edge asks for one. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** A proxy's URL, false for none; default: as `environment` says. */
  readonly proxy?: URL | false | undefined;
  /** HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in either case. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}
