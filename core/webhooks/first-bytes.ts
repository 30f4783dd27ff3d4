import { concat } from "../../shared/bytes.ts";

/** The beginning of an answer; the rest is not read: it would have nowhere to go. */
export async function firstBytes(
  response: Response,
  max: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const kept: Uint8Array[] = [];
  let room = max;
  if (response.body === null) return concat(kept);
  const reader = response.body.getReader();
  while (room > 0) {
    const { done, value } = await reader.read();
    if (done) break;
    kept.push(value.subarray(0, room));
    room -= Math.min(room, value.byteLength);
  }
  await reader.cancel();
  return concat(kept);
}
