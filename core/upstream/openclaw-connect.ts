/**
 * The upstream's own token in the first frame of OpenClaw's WebSocket protocol. The edge has let
 * the client in by then; what the client calls its token is one of the edge. Pure but for knowing
 * where in the conversation it stands.
 */
import * as z from "zod";
import type { Challenge } from "../../shared/gateway/device-proof.ts";
import type { Secret } from "../../shared/secret.ts";
import type { Translation } from "./bridge.ts";
import { type Claim, Device, isGenuine, standIn } from "./openclaw-device.ts";

/** OpenClaw reads no longer frame before it knows the client. */
const MAX_CONNECT_LENGTH = 64 * 1024;
/** An answer to `connect`; with every session of a busy gateway in it. */
const MAX_HELLO_LENGTH = 1024 * 1024;

const Name = z.string().max(256);
const Auth = z.looseObject({
  token: z.string().max(4096).optional(),
  deviceToken: z.string().max(4096).optional(),
  bootstrapToken: z.string().max(4096).optional(),
});
/** Without defaults: what a client has not said, it has not signed, and must not seem to say. */
const Connect = z.looseObject({
  type: z.literal("req"),
  id: Name,
  method: z.literal("connect"),
  params: z.looseObject({
    client: z.looseObject({
      id: Name,
      mode: Name,
      platform: Name.optional(),
      deviceFamily: Name.optional(),
    }),
    role: Name.optional(),
    scopes: z.array(Name).max(64).optional(),
    auth: Auth.optional(),
    device: Device.optional(),
  }),
});
type Connect = z.output<typeof Connect>;

const Hello = z.looseObject({
  type: z.literal("res"),
  id: Name,
  payload: z.looseObject({ auth: z.looseObject({ deviceToken: z.string().optional() }) }),
});

export interface ConnectSecrets {
  /** What opens the upstream. */
  readonly token: Secret;
  /** What our devices are made of. */
  readonly deviceSecret: Secret;
}

/**
 * For one socket.
 *
 * @param challenge - The upstream's, for a client whom the edge has put its own.
 */
export function translateConnect(secrets: ConnectSecrets, challenge?: Challenge): Translation {
  let state: "greeting" | { readonly connect: string } | "open" = "greeting";
  return {
    fromClient(message) {
      if (state !== "greeting") return message;
      state = "open";
      const connect = parse(Connect, message, MAX_CONNECT_LENGTH);
      if (connect === undefined) return message;
      state = { connect: connect.id };
      const params = { ...connect.params, ...credentials(connect, secrets, challenge) };
      return JSON.stringify({ ...connect, params });
    },
    fromUpstream(message) {
      if (typeof state === "string") return message;
      const hello = parse(Hello, message, MAX_HELLO_LENGTH);
      if (hello?.id !== state.connect) return message;
      state = "open";
      // Made out to our device: of no use to the client, which would present it as its own.
      const { deviceToken: _ours, ...auth } = hello.payload.auth;
      return JSON.stringify({ ...hello, payload: { ...hello.payload, auth } });
    },
  };
}

/** Frames that are none of ours go through as they are: what is wrong with them, the upstream says. */
function parse<T>(
  schema: z.ZodType<T>,
  message: string | Uint8Array,
  maxLength: number,
): T | undefined {
  if (typeof message !== "string" || message.length > maxLength) return undefined;
  try {
    return schema.safeParse(JSON.parse(message)).data;
  } catch {
    return undefined;
  }
}

function credentials(
  { params }: Connect,
  { token, deviceSecret }: ConnectSecrets,
  challenge: Challenge | undefined,
): object {
  const { client, role = "operator", scopes = [], auth: given = {}, device } = params;
  const auth = { token: token.reveal() };
  if (device === undefined) return { auth };
  const claim: Claim = {
    clientId: client.id,
    clientMode: client.mode,
    role,
    scopes,
    token: given.token ?? given.deviceToken ?? given.bootstrapToken ?? "",
    platform: client.platform ?? "",
    deviceFamily: client.deviceFamily ?? "",
  };
  // A device that does not prove itself is passed on: the upstream will say what it lacks.
  if (!isGenuine(device, claim)) return { auth };
  const answered =
    challenge === undefined ? {} : { nonce: challenge.nonce, signedAt: challenge.ts };
  const claimed = { ...claim, token: auth.token };
  return { auth, device: standIn({ ...device, ...answered }, claimed, deviceSecret) };
}
