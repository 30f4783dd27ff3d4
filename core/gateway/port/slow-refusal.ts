import { setTimeout as delay } from "node:timers/promises";
import { REFUSAL_DELAY_MS } from "../../../shared/gateway/connect-params.ts";

/** Makes a refusal of credentials take its time, so that guessing costs some. */
export async function slowRefusal(response: Response): Promise<Response> {
  if (response.status === 401) await delay(REFUSAL_DELAY_MS);
  return response;
}
