import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { readText, type Way } from "../../tunnel/relay/way.ts";
import type { HttpOutcome } from "../verdicts/edge-answer.ts";
import { reasonOf } from "./reason.ts";

export interface HttpRequest {
  readonly url: URL;
  readonly method: "GET" | "POST" | "PUT" | "PATCH";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request over a way of its own. Redirects are answers. Never throws. */
export async function send(
  { url, method, headers = {}, body = "" }: HttpRequest,
  way: Way,
  timeoutMs: number,
): Promise<HttpOutcome> {
  const start = url.protocol === "https:" ? httpsRequest : httpRequest;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sentAt = Date.now();
  const outgoing = start(url, {
    method,
    headers: { ...way.headers, ...(body === "" ? {} : lengthOf(body)), ...headers },
    agent: way.agent,
    ...way.tls,
    signal: way.signal,
  });
  // A proxy that says nothing holds a socket that only the way can cut.
  const timer = setTimeout(() => {
    reject(new Error("no answer in time"));
    way.cut();
    outgoing.destroy();
  }, timeoutMs);
  outgoing.once("response", resolve);
  outgoing.on("error", reject);
  outgoing.end(body);
  try {
    const response = await promise;
    const answeredAt = Date.now();
    const { statusCode: status = 0 } = response;
    const text = await readText(response);
    const answer = { status, headers: single(response.headers), text, sentAt, answeredAt };
    return { result: "answered", answer };
  } catch (error) {
    return { result: "failed", reason: reasonOf(error) };
  } finally {
    clearTimeout(timer);
    outgoing.destroy();
  }
}

function lengthOf(body: string): Record<string, string> {
  return { "Content-Length": String(Buffer.byteLength(body)), "Content-Type": "application/json" };
}

function single(headers: IncomingMessage["headers"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value] as const],
    ),
  );
}
