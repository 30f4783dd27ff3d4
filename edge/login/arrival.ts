import type { KeepAlive } from "../single-flight.ts";
import type { Verifiers } from "../verifiers.ts";

/** As much of an isolate as it takes to know who may sign in and who has. */
export interface Doorkeeper {
  readonly settings: {
    /** Undefined: as the core says. */
    readonly login: boolean | undefined;
  };
  readonly verifiers: Verifiers;
}

/** As much of a `Visit` as it takes to know a browser by its cookie or its ticket. */
export interface Arrival {
  readonly request: { readonly method: string };
  readonly isolate: Doorkeeper;
  /** Scheme and host that were asked. */
  readonly origin: string;
  /** With its question mark; empty when there is none. */
  readonly query: string;
  /** @param name - In lower case. */
  header(name: string): string | undefined;
  /** Unix ms. */
  readonly now: number;
  readonly keepAlive: KeepAlive;
}
