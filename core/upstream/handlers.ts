import type { Logger } from "pino";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import type { Challenge } from "../../shared/gateway/device-proof.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { Caller, TunnelHandlers, Upgrade } from "../tunnel/handlers.ts";
import { bridge } from "./bridge.ts";
import { Webhooks } from "./deliver.ts";
import { dial, type Dialled } from "./dial.ts";
import { failureResponse, upstreamFailure } from "./failure.ts";
import { UpstreamHttp } from "./http.ts";
import { takeChallenge } from "./openclaw-challenge.ts";
import { translateConnect } from "./openclaw-connect.ts";
import type { UpstreamSettings } from "./settings.ts";

/** What comes out of the tunnel, handed to the upstream. Disposing it lets go of idle connections. */
export function upstreamHandlers(
  settings: UpstreamSettings,
  bundle: () => EdgeBundle,
  log: Logger,
): TunnelHandlers & Disposable {
  const http = new UpstreamHttp(settings);
  const webhookHttp = new UpstreamHttp({
    ...settings,
    token: settings.hooksToken,
    // Whose address it was, the relay has not kept.
    trustForwarded: false,
  });
  const webhooks = new Webhooks({
    url: settings.url,
    fetch: (request, requestId) => webhookHttp.fetch(request, { ip: "", requestId }),
  });
  const failed = (error: unknown, request: Request, { requestId }: Caller): Response => {
    const fault = upstreamFailure(error);
    if (fault.code !== "canceled") log.warn({ err: fault, requestId }, "upstream failed");
    return failureResponse(fault, requestId, new URL(request.url).pathname);
  };
  const upgrade = async (request: Request, caller: Caller): Promise<Upgrade> => {
    const incoming = { url: new URL(request.url), headers: request.headers, caller };
    try {
      const deadlineMs = caller.deadlineMs ?? LIMITS.acceptTimeoutMs;
      const dialled = await dial(incoming, settings, { deadlineMs, signal: request.signal });
      if (!dialled.ok) return { accepted: false, response: dialled.error };
      const isGreeted = caller.connect !== undefined;
      const challenge = isGreeted
        ? await takeChallenge(dialled.value.socket, deadlineMs)
        : undefined;
      return accepted(dialled.value, settings, challenge);
    } catch (error) {
      return { accepted: false, response: failed(error, request, caller) };
    }
  };
  return {
    fetch: (request, caller) =>
      http.fetch(request, caller).catch((error: unknown) => failed(error, request, caller)),
    upgrade,
    reattach: (request, caller) => upgrade(request, caller),
    deliver: (delivery) => webhooks.deliver(delivery),
    bundle,
    [Symbol.dispose]() {
      http[Symbol.dispose]();
      webhookHttp[Symbol.dispose]();
    },
  };
}

function accepted(
  { socket, protocol, taken }: Dialled,
  { onCoreLoss, translate, token, deviceSecret }: UpstreamSettings,
  challenge: Challenge | undefined,
): Upgrade {
  const secrets = token && deviceSecret && { token, deviceSecret };
  const translation =
    translate === "openclaw" && secrets ? translateConnect(secrets, challenge) : undefined;
  return {
    accepted: true,
    protocol,
    survives: onCoreLoss === "reopen",
    take(client) {
      taken();
      bridge(socket, client, translation);
    },
  };
}
