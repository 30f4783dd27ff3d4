import * as z from "zod";
import type { DeviceBook } from "../../devices/book.ts";
import { allows } from "../../devices/rules.ts";
import type { Device } from "../../store/device.ts";
import { type CallContext, MethodError, type NamedMethod, OPERATOR_SCOPES } from "../method.ts";
import { patiently } from "../patiently.ts";

const Scope = z.string().min(1).max(64);
const Ask = z.strictObject({ scopes: z.array(Scope).min(1).max(8) });
const Wait = z.strictObject({ requestId: z.string().min(1).max(1024) });

/** Methods by which a device that is here asks for more, without going away first. */
export function scopeUpgradeMethods(book: DeviceBook): readonly NamedMethod[] {
  return [
    [
      "device.scopes.requestUpgrade",
      {
        scope: "any",
        async call(params, { client }) {
          const { scopes } = Ask.parse(params);
          return { requestId: await request(book, scopes, client) };
        },
      },
    ],
    [
      "device.scopes.waitUpgrade",
      {
        scope: "any",
        async call(params, context) {
          const { client, patience } = context;
          const { requestId } = Wait.parse(params);
          const { deviceId } = pairedDevice(book, client);
          const known = book.requests.find((one) => one.requestId === requestId);
          if (known !== undefined && known.deviceId !== deviceId) throw gone();
          const decided = book.decided(requestId, deviceId, patience);
          const decision = await patiently(decided, context);
          if (decision === undefined) throw gone();
          if (decision !== "approved") return { status: decision, requestId };
          const deviceToken = await book.currentToken(deviceId, "operator");
          const scopes = book.device(deviceId)?.scopes ?? [];
          return { status: decision, requestId, deviceToken, scopes };
        },
      },
    ],
  ];
}

async function request(
  book: DeviceBook,
  wanted: readonly string[],
  client: CallContext["client"],
): Promise<string> {
  const device = pairedDevice(book, client);
  const scopes = [...new Set(wanted)];
  if (!scopes.every((scope) => OPERATOR_SCOPES.some((one) => one === scope))) {
    throw refused("requested scopes contain an unknown operator scope");
  }
  if (!allows(scopes, client.scopes)) {
    throw refused("requested scopes must include the connection's current scopes");
  }
  const { deviceId, publicKey, browserOrigin } = device;
  const { displayName, platform, deviceFamily, clientId, mode: clientMode, ip: remoteIp } = client;
  const named = { displayName, platform, deviceFamily, clientId, clientMode };
  const ask = { deviceId, publicKey, role: "operator", scopes, browserOrigin, remoteIp };
  return (await book.ask({ ...ask, ...named })).requestId;
}

function pairedDevice(book: DeviceBook, { deviceId, role }: CallContext["client"]): Device {
  const device = deviceId === undefined ? undefined : book.device(deviceId);
  if (device !== undefined && role === "operator") return device;
  throw new MethodError(
    "INVALID_REQUEST",
    "device scope upgrade requires a paired browser identity; reopen the Control UI over HTTPS or localhost, then retry",
    { code: "DEVICE_IDENTITY_REQUIRED", recommendedNextStep: "reopen_control_ui_securely" },
  );
}

function gone(): MethodError {
  return refused("scope upgrade expired or not found");
}

function refused(message: string): MethodError {
  return new MethodError("INVALID_REQUEST", message);
}
