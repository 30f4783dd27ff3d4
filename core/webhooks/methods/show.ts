/** `webhooks.show`, `webhooks.body`, `webhooks.raw`: one webhook in full. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { WebhookDetail } from "../../store/webhook.ts";
import type { BodyPiece, WebhookDetails } from "./answers.ts";
import { detailsAtEdge, detailsOf } from "./entry.ts";
import type { NamedMethod, WebhookMethod, WebhookMethodParts } from "./parts.ts";
import { placeOf, Spools } from "./spool.ts";
import { within } from "./wait.ts";
import { redacted } from "../senders/redact.ts";
import { saidTo } from "./said.ts";

/** What people see of a body before they ask for all of it. */
const PREVIEW_BYTES = 4 * 1024;
/** One piece: as base64 it leaves a message of 4 MiB room for others. */
const PIECE_BYTES = 256 * 1024;
/** No token or address is longer. */
const LOOK_BACK_BYTES = 8 * 1024;
const MAX_WAIT_MS = 25_000;

const Id = z.string().min(1).max(512);
const Show = z.strictObject({
  /** Of the delivery, `edge/<relay>/<seq>`, its place in the log, or the id of the request. */
  id: Id,
  /** Waits this long for it to end. */
  waitMs: z.int().min(0).max(MAX_WAIT_MS).default(0),
});
const Body = z.strictObject({ id: Id, offset: z.int().min(0).default(0) });

export function showMethods(parts: WebhookMethodParts): readonly NamedMethod[] {
  const spools = new Spools(parts.tunnel);
  return [
    [
      "webhooks.show",
      {
        scope: "operator.read",
        async call(params) {
          const { id, waitMs } = Show.parse(params);
          const place = placeOf(id);
          if (place !== undefined) return detailsAtEdge(await spools.show(place));
          const look = async (): Promise<WebhookDetails | undefined> => {
            const row = await found(parts, id);
            return row.endedAt === undefined ? undefined : details(parts, row);
          };
          const ended = await within(parts, waitMs, look);
          return ended ?? details(parts, await found(parts, id));
        },
      },
    ],
    ["webhooks.body", bodyMethod(parts, spools, false)],
    ["webhooks.raw", bodyMethod(parts, spools, true)],
  ];
}

/** @param isRaw - With what answers the sender in our name: for those who may do everything. */
function bodyMethod(parts: WebhookMethodParts, spools: Spools, isRaw: boolean): WebhookMethod {
  return {
    scope: isRaw ? "operator.admin" : "operator.read",
    async call(params) {
      const wanted = Body.parse(params);
      const place = placeOf(wanted.id);
      if (place === undefined) return bodyPiece(parts, wanted, isRaw);
      const { verified, body } = await spools.show(place);
      const bytes = Uint8Array.from(Buffer.from(body, "base64"));
      return edgePiece(isRaw ? bytes : redacted(verified ?? "", bytes), wanted.offset);
    },
  };
}

/** @throws GatewayError not_found */
async function found({ store }: WebhookMethodParts, id: string): Promise<WebhookDetail> {
  const known = await store.webhook(id);
  if (known !== undefined) return known;
  const [traced] = await store.webhooks({ requestId: id, limit: 1 });
  const row = traced === undefined ? undefined : await store.webhook(traced.id);
  if (row !== undefined) return row;
  throw new GatewayError("not_found", "No such webhook: it never came, or is not kept any more");
}

/** A webhook of the log as `webhooks.show` answers it. */
export async function details(
  { store }: Pick<WebhookMethodParts, "store">,
  row: WebhookDetail,
): Promise<WebhookDetails> {
  const [body, said] = await Promise.all([
    store.webhookBody(row.id, 0, PREVIEW_BYTES),
    saidTo(row, store),
  ]);
  return detailsOf(row, redacted(row.scheme, body?.bytes ?? new Uint8Array()), said);
}

async function bodyPiece(
  parts: WebhookMethodParts,
  { id, offset }: z.output<typeof Body>,
  isRaw: boolean,
): Promise<BodyPiece> {
  const row = await found(parts, id);
  // A token may begin before the piece does.
  const from = Math.max(0, offset - LOOK_BACK_BYTES);
  const piece = await parts.store.webhookBody(row.id, from, offset - from + PIECE_BYTES);
  if (piece === undefined) throw new GatewayError("not_found", "That body is not kept any more");
  const start = from === 0 ? piece : await parts.store.webhookBody(row.id, 0, 1);
  const bytes = isRaw ? piece.bytes : redacted(row.scheme, piece.bytes, start?.bytes[0]);
  return pieceOf(bytes.subarray(offset - from), offset, piece.total);
}

/** Of what waits there the edge shows the beginning only. */
function edgePiece(bytes: Uint8Array, offset: number): BodyPiece {
  return pieceOf(bytes.subarray(offset, offset + PIECE_BYTES), offset, bytes.byteLength);
}

function pieceOf(bytes: Uint8Array, offset: number, total: number): BodyPiece {
  const end = offset + bytes.byteLength;
  const isLast = bytes.byteLength === 0 || end >= total;
  return { data: Buffer.from(bytes).toString("base64"), total, next: isLast ? null : end };
}
