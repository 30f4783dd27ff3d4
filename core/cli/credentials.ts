import type { Secret } from "../../shared/secret.ts";

/** What opens a gateway. */
export interface Credentials {
  readonly token?: Secret | undefined;
  readonly password?: Secret | undefined;
}
