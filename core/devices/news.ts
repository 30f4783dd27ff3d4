import type { PairingRequest } from "../store/device.ts";
import type { SetupOutcome } from "./setup-codes.ts";

/** What others are told. */
export type DeviceNews =
  | { readonly kind: "requested"; readonly request: PairingRequest }
  | {
      readonly kind: "resolved";
      readonly requestId: string;
      readonly deviceId: string;
      readonly decision: "approved" | "rejected" | "expired";
    }
  /** Some token opens more or less than before. */
  | { readonly kind: "changed" }
  /** There is another setup code, or one less. */
  | { readonly kind: "codes" }
  | { readonly kind: "completed"; readonly outcome: SetupOutcome };
