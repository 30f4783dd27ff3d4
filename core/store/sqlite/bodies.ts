/**
 * Bodies of webhooks, in parts that have a number of their own: a long one is written part by part,
 * each in a short transaction, before the webhook itself is; and read as far as somebody looks.
 */
import { type Db, bytesOf, integerOf } from "./db.ts";

/** A part is written within some two milliseconds. */
export const PART_BYTES = 512 * 1024;
/** Parts of one body, at most; their numbers begin at its own times this. */
const MAX_PARTS = 64;

const ADD = `insert into webhook_part (id, bytes) values (:id, :bytes)`;

/** @throws RangeError for a body that no door lets in. */
export function addPart(db: Db, body: number, index: number, bytes: Uint8Array<ArrayBuffer>): void {
  if (index >= MAX_PARTS) throw new RangeError("a body of too many parts");
  db.run(ADD, { id: body * MAX_PARTS + index, bytes });
}

/** The parts of a body, without a copy. */
export function* partsOf(
  body: Uint8Array<ArrayBuffer>,
): Generator<{ index: number; bytes: Uint8Array<ArrayBuffer> }> {
  for (let at = 0, index = 0; at < body.byteLength; at += PART_BYTES, index += 1) {
    yield { index, bytes: body.subarray(at, at + PART_BYTES) };
  }
}

const DROP = `delete from webhook_part where id >= :first and id < :last`;

export function dropBody(db: Db, body: number): void {
  db.run(DROP, { first: body * MAX_PARTS, last: (body + 1) * MAX_PARTS });
}

const STAGE = `insert into webhook_staging (body) values (:body)`;
const UNSTAGE = `delete from webhook_staging where body = :body`;

/** Written with the first part: from here on the body belongs to nobody until `adoptBody`. */
export function stageBody(db: Db, body: number): void {
  db.run(STAGE, { body });
}

/** The body belongs to a webhook now, or is gone. */
export function adoptBody(db: Db, body: number): void {
  db.run(UNSTAGE, { body });
}

const LEFT = `select body from webhook_staging`;

/** What a killed process had begun to write. */
export function dropStaged(db: Db): void {
  for (const row of db.all(LEFT)) {
    const body = integerOf(row, "body");
    dropBody(db, body);
    adoptBody(db, body);
  }
}

const NEWEST = `select id from webhook_part order by id desc limit 1`;

/** A number that no body has. */
export function nextBody(db: Db): number {
  const row = db.first(NEWEST);
  return row === undefined ? 1 : Math.floor(integerOf(row, "id") / MAX_PARTS) + 1;
}

const READ = `select bytes from webhook_part where id >= :first and id <= :last order by id`;

/** Bytes from `offset` on, at most `limit`, of a body of `size`. */
export function readBody(
  db: Db,
  { body, size }: { readonly body: number; readonly size: number },
  offset: number,
  limit: number,
): Uint8Array<ArrayBuffer> {
  const start = Math.min(Math.max(0, Math.trunc(offset)), size);
  const end = Math.min(start + Math.max(0, Math.trunc(limit)), size);
  const bytes = new Uint8Array(end - start);
  if (bytes.byteLength === 0) return bytes;
  const firstPart = Math.floor(start / PART_BYTES);
  const lastPart = Math.floor((end - 1) / PART_BYTES);
  const first = body * MAX_PARTS + firstPart;
  let at = firstPart * PART_BYTES;
  for (const row of db.all(READ, { first, last: body * MAX_PARTS + lastPart })) {
    const part = bytesOf(row, "bytes");
    const from = Math.max(0, start - at);
    bytes.set(part.subarray(from, end - at), at + from - start);
    at += part.byteLength;
  }
  return bytes;
}
