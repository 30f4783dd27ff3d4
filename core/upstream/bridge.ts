import type { RawData, WebSocket } from "ws";
import { legalCloseCode, legalCloseReason } from "../../shared/close-code.ts";
import type { ClientSocket } from "../tunnel/handlers.ts";

/** What may wait for a slow client before the upstream is read no further. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Close codes of RFC 6455 section 7.4.1 that only ever describe, and 1014 of the IANA registry. */
const NO_CODE = 1005;
const LOST = 1006;
const TOO_BIG = 1009;
const BAD_GATEWAY = 1014;

/** Changes messages on their way; sees each of its direction, in order. */
export interface Translation {
  fromClient(message: string | Uint8Array): string | Uint8Array;
  fromUpstream(message: string | Uint8Array): string | Uint8Array;
}

/**
 * Ties a client to an upstream socket until one of them closes; the other then closes with the
 * same code and reason. Neither side is read faster than the other takes.
 *
 * @param upstream - Open and paused.
 */
export function bridge(
  upstream: WebSocket,
  client: ClientSocket,
  translation: Translation | undefined,
): void {
  let tooBig = false;

  upstream.on("message", (data, isBinary) => {
    const message = isBinary ? bytesOf(data) : bytesOf(data).toString("utf8");
    client.send(translation?.fromUpstream(message) ?? message);
    if (client.bufferedBytes <= MAX_WAITING_BYTES) return;
    const left = client.drained();
    if (left === undefined) return;
    upstream.pause();
    void left.then(() => upstream.resume());
  });
  upstream.on("error", (error) => {
    if ("code" in error && error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") tooBig = true;
  });
  upstream.on("close", (code, reason) => {
    if (tooBig) client.close(TOO_BIG, "the upstream's message is too large");
    else if (code === LOST) client.close(BAD_GATEWAY, "the upstream was lost");
    else client.close(code, legalCloseReason(reason.toString("utf8")));
  });

  client.listen({
    onMessage(message, receipt) {
      // Also for a socket that is closing: then nobody wants the message any more.
      upstream.send(translation?.fromClient(message) ?? message, () => receipt.done());
    },
    onClose(code, reason) {
      // Paused, it would not hear the answer to our close.
      upstream.resume();
      // Without a closing handshake on one side there is none on the other.
      if (code === LOST) upstream.terminate();
      else if (code === NO_CODE) upstream.close();
      else upstream.close(legalCloseCode(code), legalCloseReason(reason));
    },
  });
  if (upstream.readyState === upstream.CLOSED) client.close(BAD_GATEWAY, "the upstream was lost");
  upstream.resume();
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
