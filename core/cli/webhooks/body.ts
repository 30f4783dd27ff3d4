import { GatewayError } from "../../../shared/errors.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { BodyPiece } from "../../webhooks/methods/answers.ts";
import type { GatewayLine } from "../client.ts";

/**
 * The whole body of a webhook, fetched in pieces.
 *
 * @param kind - `raw`: byte for byte, with tokens that answer its sender. `shown`: stars in their place.
 */
export async function bodyOf(
  line: GatewayLine,
  id: string,
  kind: "shown" | "raw",
): Promise<Buffer> {
  const method = kind === "raw" ? "webhooks.raw" : "webhooks.body";
  const pieces: Buffer[] = [];
  let offset: number | null = 0;
  while (offset !== null && offset < LIMITS.maxWebhookBytes) {
    const answer: BodyPiece = BodyPiece.parse(await line.call(method, { id, offset }));
    pieces.push(Buffer.from(answer.data, "base64"));
    if (answer.next !== null && answer.next <= offset) {
      throw new GatewayError("bad_response", "the gateway sends the same piece of a body again");
    }
    offset = answer.next;
  }
  return Buffer.concat(pieces);
}
