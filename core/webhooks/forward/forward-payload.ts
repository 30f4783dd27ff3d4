import * as z from "zod";

/** Payload of an inbox item that is posted on to a server. What is posted is in the log; what opens the server, in the settings. */
export const ForwardPayload = z.object({
  /** Id of the webhook in the log. */
  webhook: z.string(),
  route: z.string(),
  url: z.string(),
});
export type ForwardPayload = z.output<typeof ForwardPayload>;
