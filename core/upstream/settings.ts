import type { Secret } from "../../shared/secret.ts";

/** The gateway behind the edge, and how it wants to be spoken to. */
export interface UpstreamSettings {
  /** Scheme, host and port; a request keeps its own path. */
  readonly url: URL;
  /** Sent as `Authorization: Bearer` in place of what the edge has consumed. */
  readonly token: Secret | undefined;
  readonly preserveHost: boolean;
  readonly trustForwarded: boolean;
  readonly translate: "none" | "openclaw";
  /** Key material for the devices that stand for those of clients; undefined unless translating. */
  readonly deviceSecret: Secret | undefined;
  /** `reopen`: clients outlive this process, and the next one dials the upstream anew for them. */
  readonly onCoreLoss: "close" | "reopen";
  /** Undefined: webhooks are handed on without a credential. */
  readonly hooksToken: Secret | undefined;
}
