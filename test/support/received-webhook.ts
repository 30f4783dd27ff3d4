/** Webhooks as a scheme gets them, without a server around. */
import { utf8 } from "../../shared/bytes.ts";
import type { ReceivedWebhook, SchemeTools } from "../../shared/ingress/scheme.ts";

export interface Given extends Partial<Omit<ReceivedWebhook, "body" | "headers" | "url">> {
  readonly url?: string;
  readonly headers?: ConstructorParameters<typeof Headers>[0];
  /** Text and bytes as they are, anything else as JSON. */
  readonly body?: unknown;
}

/** A POST to the route `r`, at time 0, unless said otherwise. */
export function received({ url, headers, body, ...rest }: Given = {}): ReceivedWebhook {
  return {
    route: "r",
    method: "POST",
    now: 0,
    ...rest,
    url: new URL(url ?? "https://edge.example/hooks/r"),
    headers: new Headers(headers),
    body: bytesOf(body),
  };
}

/** For schemes that need none of them, and requests that must not come so far. */
export const noTools: SchemeTools = {
  jwt: () => Promise.reject(new Error("asked about a web token")),
};

function bytesOf(body: unknown): Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return utf8(typeof body === "string" ? body : (JSON.stringify(body) ?? ""));
}
