/** What a client of the gateway protocol may do wrong before it is in, and what it is told then. */
import { createDevice } from "./gateway-device.ts";
import { connectFrame, type Ending, type GatewaySocket } from "./gateway-socket.ts";

interface Challenge {
  readonly nonce: string;
  readonly ts: number;
}

export interface Refused extends Ending {
  /** Of the answer, if there was one. */
  readonly error: unknown;
}

export interface Misstep {
  readonly name: string;
  /** The first message. */
  message(token: string, challenge: Challenge): unknown;
  readonly refused: Refused;
}

const device = createDevice();

/** A `connect` with the right token and a proof with something wrong about it. */
function proof(change: Readonly<Record<string, unknown>>): Misstep["message"] {
  return (token, challenge) => {
    const { params } = connectFrame({ auth: { token } });
    return connectFrame(device.prove(params, challenge, change));
  };
}

function said(name: string, message: unknown, refused: Refused): Misstep {
  return { name, message: () => message, refused };
}

function invalid(message: string, details?: object, code = 1008): Refused {
  const error = { code: "INVALID_REQUEST", message, ...(details === undefined ? {} : { details }) };
  return { error, code, reason: message };
}

function silent(code: number, reason: string): Refused {
  return { error: undefined, code, reason };
}

function mismatch(kind: string, message: string, hasOther = false): Refused {
  return invalid(`unauthorized: ${message}`, {
    code: `AUTH_${kind.toUpperCase()}_MISMATCH`,
    authReason: `${kind}_mismatch`,
    canRetryWithDeviceToken: hasOther,
    recommendedNextStep: hasOther ? "retry_with_device_token" : "update_auth_credentials",
  });
}

const TOKEN_MISMATCH =
  "gateway token mismatch (use this gateway's gateway.auth.token or pair the device)";

function protocols(minProtocol: number, maxProtocol: number): Refused {
  const client = { clientMinProtocol: minProtocol, clientMaxProtocol: maxProtocol };
  const ours = { expectedProtocol: 4, minimumProbeProtocol: 3 };
  return invalid("protocol mismatch", { code: "PROTOCOL_MISMATCH", ...client, ...ours }, 1002);
}

/** All of them, for the edge and for the core alike. */
export const MISSTEPS: readonly Misstep[] = [
  said(
    "a first frame of more than 64 KiB",
    "x".repeat(65_537),
    silent(1009, "handshake too large"),
  ),
  said("something that is no JSON", "hello?", silent(1000, "not a gateway client")),
  said("nothing", "", silent(1000, "not a gateway client")),
  said("half a surrogate pair", "\ud83d", silent(1000, "not a gateway client")),
  said(
    "bytes that are no text",
    Buffer.from([0xff, 0, 0xfe]),
    silent(1000, "not a gateway client"),
  ),
  said("JSON that is no frame", "[1]", silent(1008, "invalid request frame")),
  said(
    "a frame without id",
    { type: "req", method: "connect" },
    silent(1008, "invalid request frame"),
  ),
  said(
    "another request first",
    { type: "req", id: "7", method: "health" },
    invalid("invalid handshake: first request must be connect"),
  ),
  said(
    "a property nobody knows",
    connectFrame({ bad: 1 }),
    invalid("invalid connect params: at root: unexpected property 'bad'"),
  ),
  said(
    "a client that is none of the known",
    connectFrame({ client: { id: "me", version: "1", platform: "linux", mode: "cli" } }),
    invalid("invalid connect params: at client.id: must be one of the allowed values"),
  ),
  said("only older protocols", connectFrame({ minProtocol: 1, maxProtocol: 3 }), protocols(1, 3)),
  said("only newer protocols", connectFrame({ minProtocol: 5, maxProtocol: 9 }), protocols(5, 9)),
  said("neither credential nor device", connectFrame(), {
    error: {
      code: "NOT_PAIRED",
      message: "device identity required",
      details: { code: "DEVICE_IDENTITY_REQUIRED" },
    },
    code: 1008,
    reason: "device identity required",
  }),
  said(
    "a wrong token",
    connectFrame({ auth: { token: "wrong" } }),
    mismatch("token", TOKEN_MISMATCH),
  ),
  said(
    "a token of a hundred thousand letters",
    connectFrame({ auth: { token: "w".repeat(60_000) } }),
    mismatch("token", TOKEN_MISMATCH),
  ),
  said(
    "a wrong password",
    connectFrame({ auth: { password: "wrong" } }),
    mismatch("password", "gateway password mismatch (use this gateway's gateway.auth.password)"),
  ),
  said(
    "a wrong device token",
    connectFrame({ auth: { deviceToken: "wrong" } }),
    mismatch("device_token", "device token mismatch (rotate/reissue device token)"),
  ),
  {
    name: "a wrong token and a device, which may have one of its own",
    message(_token, challenge) {
      const { params } = connectFrame({ auth: { token: "wrong" } });
      return connectFrame(device.prove(params, challenge));
    },
    refused: mismatch("token", TOKEN_MISMATCH, true),
  },
  {
    name: "a device without a credential",
    message: (_token, challenge) => connectFrame(device.prove(connectFrame()["params"], challenge)),
    refused: invalid("unauthorized: gateway token missing (provide gateway auth token)", {
      code: "AUTH_TOKEN_MISSING",
      authReason: "token_missing",
      canRetryWithDeviceToken: false,
      recommendedNextStep: "update_auth_configuration",
    }),
  },
  fault(
    "another device's id",
    { id: "0".repeat(64) },
    "device-id-mismatch",
    "DEVICE_ID_MISMATCH",
    "device identity mismatch",
  ),
  fault(
    "a key that is none",
    { publicKey: "AAAA" },
    "device-id-mismatch",
    "DEVICE_ID_MISMATCH",
    "device identity mismatch",
  ),
  fault(
    "an old signature",
    { signedAt: 1_700_000_000_000 },
    "device-signature-stale",
    "SIGNATURE_EXPIRED",
    "device signature expired",
  ),
  fault(
    "a signature without nonce",
    { nonce: " " },
    "device-nonce-missing",
    "NONCE_REQUIRED",
    "device nonce required",
  ),
  fault(
    "a signature for another challenge",
    { nonce: "another" },
    "device-nonce-mismatch",
    "NONCE_MISMATCH",
    "device nonce mismatch",
  ),
  fault(
    "a signature that is none",
    { signature: "AAAA" },
    "device-signature",
    "SIGNATURE_INVALID",
    "device signature invalid",
  ),
];

function fault(
  name: string,
  change: Readonly<Record<string, unknown>>,
  reason: string,
  code: string,
  message: string,
): Misstep {
  const refused = invalid(message, { code: `DEVICE_AUTH_${code}`, reason });
  return { name, message: proof(change), refused };
}

/** Takes the misstep, and tells what came of it. */
export async function take(
  client: GatewaySocket,
  misstep: Misstep,
  token: string,
): Promise<Refused> {
  const { payload } = await client.frame({ event: "connect.challenge" });
  client.send(misstep.message(token, challengeIn(payload)));
  const ending = await client.ended;
  const error = client.frames.find(({ type }) => type === "res")?.["error"];
  return { error, ...ending };
}

export function challengeIn(payload: unknown): Challenge {
  const { nonce, ts } = Object(payload);
  return { nonce: String(nonce), ts: Number(ts) };
}
