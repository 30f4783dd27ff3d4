import { err, ok, type Result } from "../result.ts";
import { jsonOrUndefined } from "../json.ts";
import { complaintOf } from "./complaint.ts";
import {
  ConnectParams,
  MAX_HANDSHAKE_BYTES,
  MIN_PROBE_VERSION,
  PROTOCOL_VERSION,
  RequestFrame,
} from "./connect-params.ts";
import {
  BAD_FRAME,
  type ConnectRefusal,
  NOT_JSON,
  protocolMismatch,
  refuse,
  TOO_LARGE,
} from "./connect-refusal.ts";

/** A legal first frame; who sent it is not known yet. */
export interface Connect {
  /** Of the request: the greeting answers it. */
  readonly id: string;
  readonly params: ConnectParams;
}

/** Reads the first message of a client, as text. Pure. @param bytes - Its length in UTF-8. */
export function readConnect(text: string, bytes: number): Result<Connect, ConnectRefusal> {
  if (bytes > MAX_HANDSHAKE_BYTES) return err(TOO_LARGE);
  const json = jsonOrUndefined(text);
  if (json === undefined) return err(NOT_JSON);
  const frame = RequestFrame.safeParse(json);
  if (!frame.success) return err(BAD_FRAME);
  const { id, method } = frame.data;
  if (method !== "connect") {
    return err(refuse(id, "invalid handshake: first request must be connect"));
  }
  const params = ConnectParams.safeParse(frame.data.params);
  if (!params.success) {
    return err(refuse(id, `invalid connect params: ${complaintOf(params.error)}`));
  }
  const speaks = speaksOurs(params.data);
  return speaks ? ok({ id, params: params.data }) : err(protocolMismatch(id, params.data));
}

/** Probes and nodes may be of the version before. */
function speaksOurs({ minProtocol, maxProtocol, client, role }: ConnectParams): boolean {
  const isLenient = client.mode === "probe" || role === "node";
  const oldest = isLenient ? MIN_PROBE_VERSION : PROTOCOL_VERSION;
  return minProtocol <= PROTOCOL_VERSION && maxProtocol >= oldest;
}
