import type { NewWebhook } from "../../store/webhook.ts";
import type { Plan } from "./plan.ts";

/** A webhook as it will be written down, and what is to be done with it. */
export interface Planned {
  readonly record: NewWebhook;
  readonly plan: Plan;
}
