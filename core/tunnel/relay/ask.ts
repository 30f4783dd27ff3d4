import { concat, fromUtf8, utf8 } from "../../../shared/bytes.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { jsonOrUndefined } from "../../../shared/json.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { type Fields, fieldOf } from "../../../shared/tunnel/fields.ts";
import { ResetCode } from "../../../shared/tunnel/frame.ts";
import type { Session } from "../../../shared/tunnel/session.ts";
import type { RelayAnswer } from "../handlers.ts";

/** The relay answers out of its memory, or a small table: no answer is a dead connection. */
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * A request from us to the relay, on a stream of its own.
 *
 * @param body - Sent as JSON; undefined for none.
 * @throws GatewayError `core_lost` when the connection is not there, ends, or says nothing in time.
 */
export function ask(
  session: Session,
  method: string,
  path: string,
  body?: unknown,
): Promise<RelayAnswer> {
  const head: Fields = [
    [":method", method],
    [":path", path],
  ];
  const stream = session.openStream("http", head, body === undefined);
  if (stream === undefined) {
    return Promise.reject(new GatewayError("core_lost", "Not connected to the relay"));
  }
  const { promise, resolve, reject } = Promise.withResolvers<RelayAnswer>();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let status = 0;
  const fail = (message: string): void => {
    stream.reset(ResetCode.cancel, "gave up");
    reject(new GatewayError("core_lost", message));
  };
  const timer = setTimeout(() => fail("The relay did not answer in time"), ANSWER_TIMEOUT_MS);
  stream.listen((event) => {
    if (event.type === "head") {
      status = Number(fieldOf(event.fields, ":status"));
    } else if (event.type === "data") {
      bytes += event.bytes.byteLength;
      stream.consume(event.bytes.byteLength);
      if (bytes > LIMITS.maxBundleBytes) fail("The relay's answer is too long");
      else chunks.push(event.bytes);
    } else if (event.type === "end") {
      resolve({ status, body: jsonOrUndefined(fromUtf8(concat(chunks))) });
    } else if (event.type === "reset") {
      fail("The connection to the relay ended before its answer");
    }
  });
  if (body !== undefined) {
    stream.write(utf8(JSON.stringify(body)));
    stream.end();
  }
  return promise.finally(() => clearTimeout(timer));
}
