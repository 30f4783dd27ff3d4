import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { GatewayError } from "../../../shared/errors.ts";

/** Writes an answer to a socket that Node's HTTP server has let go of, and closes it. Never rejects. */
export async function writeRaw(response: Response, socket: Duplex): Promise<void> {
  // Until the last byte is out nobody else listens, and an unheard error would end the process.
  socket.on("error", () => socket.destroy());
  const lines = [`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ""}`];
  for (const [name, value] of response.headers) lines.push(`${name}: ${value}`);
  try {
    const body = Buffer.from(await response.arrayBuffer());
    lines.push("Connection: close", `Content-Length: ${body.byteLength}`, "", "");
    socket.end(Buffer.concat([Buffer.from(lines.join("\r\n")), body]));
  } catch {
    socket.destroy(); // an answer that cannot be read cannot be given
  }
}

/** What Node's parser found wrong, by its error code. */
export function unreadable(code: string | undefined): GatewayError {
  if (code === "HPE_HEADER_OVERFLOW") {
    return new GatewayError("headers_too_large", "The request line and headers are too long");
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new GatewayError("invalid_request", "The request took too long to arrive");
  }
  return new GatewayError("invalid_request", "This is not an HTTP request");
}
