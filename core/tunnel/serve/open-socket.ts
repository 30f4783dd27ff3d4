import { fromBase64Url, fromUtf8 } from "../../../shared/bytes.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { encodeFields, type Fields, fieldOf } from "../../../shared/tunnel/fields.ts";
import { ResetCode } from "../../../shared/tunnel/frame.ts";
import { type RequestHead, responseFields } from "../../../shared/tunnel/http.ts";
import type { Stream } from "../../../shared/tunnel/stream.ts";
import type { Caller, Upgrade } from "../handlers.ts";
import { count, type TunnelMetrics } from "../metrics.ts";
import { TunnelRequest } from "./request.ts";
import type { Service } from "./service.ts";
import { TunnelSocket } from "./socket.ts";

/** A WS_OPEN as it came. */
export interface SocketOpening {
  readonly fields: Fields;
  readonly head: RequestHead;
  readonly caller: Caller;
}

/** Asks the gateway about a client's WebSocket, a new one or one of a core that is gone. */
export function openSocket(stream: Stream, opening: SocketOpening, service: Service): void {
  const { metrics, log } = service;
  decide(opening, service)
    .then((upgrade) => conclude(stream, upgrade, metrics))
    .catch((err: unknown) => {
      log.error({ err, requestId: opening.caller.requestId }, "upgrade failed");
      count(metrics.resets, ResetCode.coreError);
      stream.reset(ResetCode.coreError, "upgrade failed");
    });
}

async function decide(
  { fields, head, caller }: SocketOpening,
  { handlers, metrics }: Service,
): Promise<Upgrade> {
  const { url, headers } = head;
  if (fieldOf(fields, ":attach") !== "1") {
    const protocols = fieldOf(fields, ":protocols");
    if (protocols !== undefined) headers.set("Sec-WebSocket-Protocol", protocols);
    return handlers.upgrade(new TunnelRequest(url, { headers }), caller);
  }
  // The one that was chosen for this client, who has been told long since.
  const protocol = fieldOf(fields, ":protocol") ?? "";
  if (protocol !== "") headers.set("Sec-WebSocket-Protocol", protocol);
  const request = new TunnelRequest(url, { headers });
  const state = fromBase64Url(fieldOf(fields, ":state") ?? "");
  const kept = state === undefined ? "" : fromUtf8(state);
  const upgrade = await handlers.reattach(request, caller, kept);
  if (upgrade.accepted) metrics.reattaches += 1;
  return upgrade;
}

async function conclude(stream: Stream, upgrade: Upgrade, metrics: TunnelMetrics): Promise<void> {
  if (!upgrade.accepted) {
    await refuse(stream, upgrade.response);
    return;
  }
  const { protocol, survives } = upgrade;
  const fields: [string, string][] = [[":status", "101"]];
  if (survives) fields.push([":survives", "1"]);
  if (protocol !== undefined) fields.push(["sec-websocket-protocol", protocol]);
  const head = encodeFields(fields);
  if (!head.ok) throw new GatewayError("internal", `upgrade head: ${head.error.reason}`);
  stream.sendHead(head.value);
  metrics.open.websocket += 1;
  upgrade.take(
    new TunnelSocket(stream, {
      survives,
      onReset: (code) => count(metrics.resets, code),
      onClosed: () => {
        metrics.open.websocket -= 1;
      },
    }),
  );
}

async function refuse(stream: Stream, response: Response): Promise<void> {
  const { status, headers } = response;
  const head = encodeFields(responseFields(status, headers));
  if (!head.ok) throw new GatewayError("internal", `refusal head: ${head.error.reason}`);
  stream.listen(() => undefined);
  stream.sendHead(head.value);
  stream.write(await response.bytes());
  stream.end();
}
