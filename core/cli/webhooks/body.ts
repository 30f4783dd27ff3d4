import { GatewayError } from "../../../shared/errors.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { BodyPiece } from "../../webhooks/methods-answers.ts";
import type { GatewayLine } from "../client.ts";

/** The whole body of a webhook, byte for byte, fetched in pieces. */
export async function bodyOf(line: GatewayLine, id: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let offset: number | null = 0;
  while (offset !== null && offset < LIMITS.maxWebhookBytes) {
    const answer: BodyPiece = BodyPiece.parse(await line.call("webhooks.body", { id, offset }));
    pieces.push(Buffer.from(answer.data, "base64"));
    if (answer.next !== null && answer.next <= offset) {
      throw new GatewayError("bad_response", "the gateway sends the same piece of a body again");
    }
    offset = answer.next;
  }
  return Buffer.concat(pieces);
}
