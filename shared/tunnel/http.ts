/**
 * Requests and responses as heads of streams. The rules of which headers cross and which do not
 * are in protocol.md, section 9. Pure.
 */
import type { Challenge } from "../gateway/device-proof.ts";
import { HOP_BY_HOP } from "../hop-by-hop.ts";
import type { Principal } from "../principal.ts";
import { Scope } from "../principal.ts";
import { err, ok, type Result } from "../result.ts";
import { type Fields, fieldOf } from "./fields.ts";

/** Who sent a request, as the edge knows it: out of band, so that no header can claim it. */
export interface RequestMeta {
  readonly requestId: string;
  readonly clientIp: string;
  /** ISO 3166-1 alpha-2; undefined where the edge does not know. */
  readonly country: string | undefined;
  readonly principal: Principal;
  /** What an operator of the gateway protocol may do with this credential; undefined: everything. */
  readonly operatorScopes?: readonly string[] | undefined;
  /** The device the credential was made out to. */
  readonly deviceId?: string | undefined;
  /** The challenge the edge has put to this client, whose first message answers it. */
  readonly connect?: Challenge | undefined;
  /** Milliseconds until the edge gives up waiting for the answer's head. */
  readonly deadlineMs: number;
}

export interface RequestHead {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly meta: RequestMeta;
}

export interface ResponseHead {
  readonly status: number;
  /** Not yet known to be headers: `Headers` throws for names and values that are none. */
  readonly headers: [string, string][];
}

export type HeadError =
  | { readonly reason: "missing_field"; readonly name: string }
  | { readonly reason: "bad_url" }
  | { readonly reason: "bad_header" }
  | { readonly reason: "bad_status" };

/** Anyone could have written these; what they claim travels as `RequestMeta`. */
const CLAIMS: ReadonlySet<string> = new Set([
  "forwarded",
  "x-real-ip",
  "true-client-ip",
  "host",
  // Consumed at the edge: the core gets the principal, never the credential.
  "authorization",
]);
const CLAIM_PREFIXES = ["x-gw-", "x-forwarded-", "cf-", "sec-websocket-"];

/** Ours alone, and a promise about a protocol that ends at the edge. */
const ANSWER_ONLY: ReadonlySet<string> = new Set(["alt-svc"]);
const ANSWER_PREFIXES = ["x-gw-internal-"];

/** The line of a request: what it asks for, and where. */
export interface RequestTarget {
  readonly method: string;
  /** Without its colon. */
  readonly scheme: string;
  /** Host, with the port if the client wrote one. */
  readonly authority: string;
  /** With the query. */
  readonly path: string;
}

/** The head of a client's request, cleaned, with what the edge knows of the client. */
export function requestFields(
  target: RequestTarget,
  headers: Iterable<readonly [string, string]>,
  meta: RequestMeta,
): [string, string][] {
  const fields: [string, string][] = [
    [":method", target.method],
    [":scheme", target.scheme],
    [":authority", target.authority],
    [":path", target.path],
    [":request-id", meta.requestId],
    [":client-ip", meta.clientIp],
    [":subject", meta.principal.subject],
    [":scopes", meta.principal.scopes.join(" ")],
    [":deadline-ms", String(meta.deadlineMs)],
  ];
  const { country, operatorScopes, deviceId, connect } = meta;
  if (country !== undefined) fields.push([":country", country]);
  if (operatorScopes !== undefined) fields.push([":operator-scopes", operatorScopes.join(" ")]);
  if (deviceId !== undefined) fields.push([":device-id", deviceId]);
  if (connect !== undefined) fields.push([":connect", `${connect.nonce} ${connect.ts}`]);
  const named = namedByConnection(headers);
  for (const [name, value] of headers) {
    if (HOP_BY_HOP.has(name) || CLAIMS.has(name) || named?.has(name)) continue;
    if (!CLAIM_PREFIXES.some((prefix) => name.startsWith(prefix))) fields.push([name, value]);
  }
  return fields;
}

/** Reads what `requestFields` wrote. */
export function readRequest(fields: Fields): Result<RequestHead, HeadError> {
  const own = ownFields(fields);
  for (const name of REQUEST_FIELDS) {
    if (!own.has(name)) return err({ reason: "missing_field", name });
  }
  const get = (name: string): string => own.get(name) ?? "";
  const url = URL.parse(`${get(":scheme")}://${get(":authority")}${get(":path")}`);
  if (url === null) return err({ reason: "bad_url" });
  const headers = readHeaders(fields);
  if (headers === undefined) return err({ reason: "bad_header" });
  const scopes = get(":scopes").split(" ").filter(isScope);
  const meta: RequestMeta = {
    requestId: get(":request-id"),
    clientIp: get(":client-ip"),
    country: own.get(":country"),
    principal: { subject: get(":subject"), scopes },
    operatorScopes: own.get(":operator-scopes")?.split(" ").filter(Boolean),
    deviceId: own.get(":device-id"),
    connect: challengeIn(own.get(":connect")),
    deadlineMs: Number(get(":deadline-ms")),
  };
  return ok({ method: get(":method"), url, headers, meta });
}

/** The head of an answer, without what concerns one hop only. Each `Set-Cookie` stays apart. */
export function responseFields(status: number, headers: Headers): Fields {
  const fields: [string, string][] = [[":status", String(status)]];
  const named = namedByConnection(headers);
  for (const [name, value] of headers) {
    if (HOP_BY_HOP.has(name) || ANSWER_ONLY.has(name) || named?.has(name)) continue;
    if (!ANSWER_PREFIXES.some((prefix) => name.startsWith(prefix))) fields.push([name, value]);
  }
  return fields;
}

/**
 * Reads what `responseFields` wrote.
 *
 * @param added - Headers of our own, in place of the core's of the same name (lower case).
 */
export function readResponse(fields: Fields, added: Fields = []): Result<ResponseHead, HeadError> {
  const status = Number(fieldOf(fields, ":status"));
  if (!Number.isInteger(status) || status < 101 || status > 599) {
    return err({ reason: "bad_status" });
  }
  const headers: [string, string][] = [];
  for (const [name, value] of fields) {
    const ours = name.startsWith(":") || added.some(([other]) => other === name);
    if (!ours) headers.push([name, value]);
  }
  for (const [name, value] of added) headers.push([name, value]);
  return ok({ status, headers });
}

/** Statuses that never have a body (RFC 9110 section 6.4.1): `new Response` refuses one. */
export function mayHaveBody(method: string, status: number): boolean {
  return method !== "HEAD" && status !== 101 && status !== 204 && status !== 205 && status !== 304;
}

/** The HTTP headers among the fields; undefined when one of them cannot be a header. */
export function readHeaders(fields: Fields): Headers | undefined {
  try {
    const headers = new Headers();
    for (const [name, value] of fields) if (!name.startsWith(":")) headers.append(name, value);
    return headers;
  } catch {
    // `Headers` throws on names and values that are not tokens; which one does not matter.
    return undefined;
  }
}

const REQUEST_FIELDS = [
  ":method",
  ":scheme",
  ":authority",
  ":path",
  ":request-id",
  ":client-ip",
  ":subject",
  ":scopes",
  ":deadline-ms",
] as const;

/** Of several of one name the first counts, here as everywhere. */
/** A scope of a later version is one we cannot grant. */
function isScope(name: string): name is Scope {
  return Scope.options.some((scope) => scope === name);
}

function challengeIn(field: string | undefined): Challenge | undefined {
  const [nonce = "", ts] = field?.split(" ") ?? [];
  return nonce === "" ? undefined : { nonce, ts: Number(ts) };
}

function ownFields(fields: Fields): Map<string, string> {
  return new Map(fields.filter(([name]) => name.startsWith(":")).toReversed());
}

function namedByConnection(
  headers: Iterable<readonly [string, string]>,
): ReadonlySet<string> | undefined {
  for (const [name, value] of headers) {
    if (name !== "connection") continue;
    return new Set(value.split(",").map((named) => named.trim().toLowerCase()));
  }
  return undefined;
}
