/** Devices as clients get to see them: never a token, nor its digest. Pure. */
import type { Device, DeviceToken, PairingRequest } from "../../store/device.ts";

/** Source: DevicePairRequestedEventSchema of @openclaw/gateway-protocol. */
export function requestView({ reason: _ours, ...request }: PairingRequest): object {
  return { ...filled(request), roles: [request.role], silent: false };
}

export function deviceView({ tokens, ...device }: Device, isConnected?: boolean): object {
  const connected = isConnected === undefined ? {} : { connected: isConnected };
  return { ...filled(device), ...connected, tokens: tokens.map(tokenView) };
}

function tokenView({ digest: _ours, generation: _also, ...token }: DeviceToken): object {
  return filled(token);
}

/** Schemas of the protocol take no empty text for a name that was never said. */
function filled(record: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== undefined && value !== ""),
  );
}
