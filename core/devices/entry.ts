import type { Device, PairingRequest } from "../store/device.ts";
import type { PairingReason } from "./rules.ts";

/** What becomes of a device that has proven itself. */
export type Entry =
  | {
      readonly state: "in";
      readonly token: string;
      readonly issuedAtMs: number;
      /** By a setup code: tokens of its other roles. */
      readonly others?: readonly HandedToken[];
    }
  /** The setup code it has shown was used in between, or is for something else than it asks for. */
  | { readonly state: "late" }
  | {
      readonly state: "waits";
      readonly reason: PairingReason;
      readonly request: PairingRequest;
      /** What it may do today; undefined: it is not paired. */
      readonly device: Device | undefined;
    };

/** As the greeting tells it. */
export interface HandedToken {
  readonly deviceToken: string;
  readonly role: string;
  readonly scopes: readonly string[];
  /** Unix ms. */
  readonly issuedAtMs: number;
}
