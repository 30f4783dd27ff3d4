import type { Delivery } from "../tunnel/handlers.ts";

/** A webhook whose sender is known. */
export interface Verified extends Omit<Delivery, "verified"> {
  readonly verifiedBy: "edge" | "core";
  /** Which webhook this is a replay of, and what its ids end in: `#<n>`; undefined: it is none. */
  readonly replay?: { readonly of: string; readonly suffix: string } | undefined;
}
