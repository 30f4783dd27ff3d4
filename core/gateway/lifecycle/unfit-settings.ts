import { GatewayError } from "../../../shared/errors.ts";

/** Settings that no gateway can run with, however often it is started: its config must change. */
export class UnfitSettings extends GatewayError {
  constructor(fault: GatewayError) {
    super(fault.code, fault.message, { cause: fault });
  }
}
