/** Sends a webhook of the log to a server of one's own, as its sender sent it. */
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { BlockList, isIP } from "node:net";
import { HOP_BY_HOP } from "../../../shared/hop-by-hop.ts";
import { GatewayError } from "../../../shared/errors.ts";
import type { WebhookDetails } from "../../webhooks/methods/answers.ts";
import type { Io } from "../command.ts";
import { printable } from "../printable.ts";
import { type Cell, paint } from "./table.ts";

/** A person is stepping through it with a debugger, perhaps. */
const ANSWER_TIMEOUT_MS = 60_000;

/** Of the connection, not of the webhook; RFC 9110 section 7.6.1. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  "content-length",
  "expect",
  "host",
]);

/** This machine and private networks: RFC 1918, RFC 4193. Link-local is where clouds keep secrets. */
const NEAR = new BlockList();
NEAR.addSubnet("127.0.0.0", 8, "ipv4");
NEAR.addSubnet("10.0.0.0", 8, "ipv4");
NEAR.addSubnet("172.16.0.0", 12, "ipv4");
NEAR.addSubnet("192.168.0.0", 16, "ipv4");
NEAR.addAddress("::1", "ipv6");
NEAR.addSubnet("fc00::", 7, "ipv6");

/** A server to send to, at the address its name had when it was looked up. */
export interface Destination {
  readonly url: URL;
  readonly address: string;
}

/**
 * Looks the server up.
 *
 * @param allowRemote - Anywhere, not just this machine and private networks: bodies hold what
 *   senders meant for us alone.
 * @throws GatewayError invalid_request
 */
export async function destinationOf(text: string, allowRemote: boolean): Promise<Destination> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "") {
    throw new GatewayError("invalid_request", "--forward must be like http://127.0.0.1:3000/path");
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const found =
    isIP(host) === 0 ? await lookup(host, { all: true }).catch(() => []) : [{ address: host }];
  const near = found.find(({ address }) => isNear(address));
  const chosen = near ?? (allowRemote ? found[0] : undefined);
  if (chosen !== undefined) return { url, address: chosen.address };
  const why =
    found.length === 0
      ? "no such host"
      : "that is beyond this machine and its private network; --allow-remote sends there all the same";
  throw new GatewayError("invalid_request", `--forward ${url.host}: ${why}`);
}

function isNear(address: string): boolean {
  return NEAR.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

export interface Parcel {
  readonly webhook: Pick<WebhookDetails, "id" | "route" | "method" | "query" | "headers">;
  readonly body: Buffer;
  /** Which time this is, from 1. */
  readonly turn: number;
}

export interface Forwarded {
  readonly id: string;
  /** Null: there was no answer. */
  readonly status: number | null;
  readonly ms: number;
  /** Why there was none. */
  readonly error: string | null;
}

/** Never rejects: a server that is down is an answer, too. */
export async function send(
  { webhook, body, turn }: Parcel,
  { url, address }: Destination,
  stop: AbortSignal,
): Promise<Forwarded> {
  const { id, method, query, headers } = webhook;
  const begun = performance.now();
  const took = (): number => Math.round(performance.now() - begun);
  const signal = AbortSignal.any([stop, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
  try {
    const open = url.protocol === "https:" ? httpsRequest : httpRequest;
    const request = open(url, {
      method,
      path: `${url.pathname}${url.search === "" ? query : url.search}`,
      // The address that was looked at: a name may mean another one by now.
      lookup: (_host, options, callback) => {
        const family = isIP(address);
        if (options.all === true) callback(null, [{ address, family }]);
        else callback(null, address, family);
      },
      headers: headersOf(headers, body.byteLength, `${id}#${turn}`),
      signal,
    });
    const response = await answerTo(request, body);
    const ms = took();
    response.resume();
    await once(response, "close");
    return { id, status: response.statusCode ?? null, ms, error: null };
  } catch (error) {
    return { id, status: null, ms: took(), error: whyNot(error) };
  }
}

async function answerTo(request: ClientRequest, body: Buffer): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.once("response", resolve);
  request.on("error", reject);
  request.end(body);
  return promise;
}

/** As an object of lists: a header that came twice goes twice. */
function headersOf(
  headers: readonly (readonly [string, string])[],
  bytes: number,
  replay: string,
): Record<string, string[] | string> {
  const kept: Record<string, string[]> = {};
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    if (!NOT_PASSED_ON.has(key)) (kept[key] ??= []).push(value);
  }
  return { ...kept, "content-length": String(bytes), "x-gw-replay": replay };
}

function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return "unknown fault";
  const code = "code" in error ? String(error.code) : error.name;
  return code === "ECONNREFUSED" ? "nothing listens there" : `no answer (${code})`;
}

/** One line: what came of it. */
export function sentText(forwarded: Forwarded, io: Pick<Io, "colours">): string {
  const { text, colour } = sentCell(forwarded);
  return `${printable(forwarded.id, 300)}: ${paint(text, colour, io)}`;
}

/** The same beside the webhook. */
export function sentCell({ status, ms, error }: Forwarded): Cell {
  if (status === null) return { text: error ?? "no answer", colour: "red" };
  const colour = status < 300 ? "green" : status < 500 ? "yellow" : "red";
  return { text: `${status} in ${ms} ms`, colour };
}
