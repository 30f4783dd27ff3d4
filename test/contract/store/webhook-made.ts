/** Webhooks that tell by themselves whether they are whole. */
import { utf8 } from "../../../shared/bytes.ts";
import type { NewWebhook, NewWebhookWork } from "../../../core/store/webhook.ts";
import { NOW } from "./world.ts";

/** Short, in two parts, or in three. */
export function bodyOf(id: string): Uint8Array<ArrayBuffer> {
  const times = [1, 60_000, 110_000][Number(id.at(-1)) % 3] ?? 1;
  return utf8(`${id}|`.repeat(times));
}

export function childWebhook(id: string, body: NewWebhook["body"]): NewWebhook {
  return {
    id,
    route: "r",
    scheme: "github",
    verifiedBy: "edge",
    secret: 0,
    requestId: id,
    method: "POST",
    query: "",
    ip: "",
    receivedAt: NOW,
    lanes: ["r"],
    headers: [],
    body,
    attempts: 0,
    sync: false,
    ignored: [],
  };
}

/** Two pieces, which must come together or not at all. */
export function childWork(id: string): NewWebhookWork[] {
  return [`${id}/a`, `${id}/b`].map((one) => ({
    id: one,
    source: "hook",
    lane: one,
    payload: 1,
    receivedAt: NOW,
    trace: id,
  }));
}
