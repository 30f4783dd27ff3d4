/**
 * A head: names and values, in order, duplicates kept, byte for byte. Names that start with `:`
 * are ours (method, status, client …), all others are HTTP headers. Layout: protocol.md, section 4.
 */
import { LIMITS } from "../limits.ts";
import { err, ok, type Result } from "../result.ts";

export type Fields = readonly (readonly [name: string, value: string])[];

export type FieldsError =
  | { readonly reason: "cut_short" }
  /** Bytes that belong to no field. */
  | { readonly reason: "left_over"; readonly bytes: number }
  | { readonly reason: "too_long"; readonly bytes: number }
  /** A character that no header can hold: above U+00FF, or a line break, or NUL. */
  | { readonly reason: "bad_character"; readonly name: string };

const COUNT_BYTES = 2;
const LENGTHS_BYTES = 6;
/** What the `u16` before a name can say. */
const MAX_NAME_BYTES = 0xffff;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
// oxlint-disable-next-line no-control-regex -- the control characters are the point
const NOT_ASCII = /[^\u0000-\u007f]/;
// oxlint-disable-next-line no-control-regex -- the control characters are the point
const FORBIDDEN = /[\u0000\r\n]|[^\u0000-\u00ff]/;

/**
 * `u16` count, then for each field `u16` length of the name and `u32` length of the value, then all
 * names and values as one Latin-1 text: one pass over the text each way, however many fields.
 */
export function encodeFields(fields: Fields): Result<Uint8Array, FieldsError> {
  let text = "";
  for (const [name, value] of fields) text += name + value;
  const start = COUNT_BYTES + LENGTHS_BYTES * fields.length;
  const bytes = start + text.length;
  if (bytes > LIMITS.maxHeadBytes || fields.some(([name]) => name.length > MAX_NAME_BYTES)) {
    return err({ reason: "too_long", bytes });
  }
  if (FORBIDDEN.test(text)) {
    const bad = fields.find(([name, value]) => FORBIDDEN.test(name + value));
    return err({ reason: "bad_character", name: bad?.[0] ?? "" });
  }
  const block = new Uint8Array(bytes);
  const view = new DataView(block.buffer);
  view.setUint16(0, fields.length);
  let at = COUNT_BYTES;
  for (const [name, value] of fields) {
    view.setUint16(at, name.length);
    view.setUint32(at + 2, value.length);
    at += LENGTHS_BYTES;
  }
  if (NOT_ASCII.test(text)) {
    for (let index = 0; index < text.length; index += 1) {
      block[start + index] = text.charCodeAt(index);
    }
  } else {
    encoder.encodeInto(text, block.subarray(start));
  }
  return ok(block);
}

export function decodeFields(block: Uint8Array): Result<Fields, FieldsError> {
  if (block.byteLength < COUNT_BYTES) return err({ reason: "cut_short" });
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const count = view.getUint16(0);
  const start = COUNT_BYTES + LENGTHS_BYTES * count;
  if (block.byteLength < start) return err({ reason: "cut_short" });
  const text = latin1(block.subarray(start));
  const fields: [string, string][] = [];
  let from = 0;
  for (let index = 0; index < count; index += 1) {
    const at = COUNT_BYTES + LENGTHS_BYTES * index;
    const split = from + view.getUint16(at);
    const to = split + view.getUint32(at + 2);
    if (to > text.length) return err({ reason: "cut_short" });
    fields.push([text.slice(from, split), text.slice(split, to)]);
    from = to;
  }
  if (from < text.length) return err({ reason: "left_over", bytes: text.length - from });
  const bad = FORBIDDEN.test(text)
    ? fields.find(([name, value]) => FORBIDDEN.test(name + value))
    : undefined;
  return bad === undefined ? ok(fields) : err({ reason: "bad_character", name: bad[0] });
}

/** The first value of a field; for our own fields, which are never repeated. */
export function fieldOf(fields: Fields, name: string): string | undefined {
  return fields.find(([field]) => field === name)?.[1];
}

/** Each byte one character. `TextDecoder("latin1")` would be Windows-1252, which is not that. */
function latin1(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  if (text.length === bytes.byteLength && !NOT_ASCII.test(text)) return text;
  let slow = "";
  for (const byte of bytes) slow += String.fromCharCode(byte);
  return slow;
}
