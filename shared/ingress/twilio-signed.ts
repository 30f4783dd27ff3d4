/** What Twilio signs: the address in each of the forms that it may have had for Twilio, and fields. */
import { fromUtf8 } from "../bytes.ts";

const ADDRESS =
  /^(?<scheme>https?:\/\/)(?<user>[^/?#@]*@)?(?<host>\[[^\]]*\]|[^/?#:]*)(?<port>:\d+)?(?<rest>.*)$/is;

/**
 * Every address that may be signed. Twilio leaves the port out or puts the standard one in, and what
 * a query looks like depends on who has encoded it last.
 *
 * @param publicUrl - The address that Twilio was given, without its query; undefined: `url` as it is.
 */
export function signedUrls(publicUrl: string | undefined, url: URL): readonly string[] {
  const base = publicUrl === undefined ? url.href : publicUrl;
  const path = base.replace(/[?#].*$/s, "");
  const addresses = withAndWithoutPort(path);
  // An address may end in a question mark that `search` does not show.
  const queries = queryForms(url.search === "" && url.href.endsWith("?") ? "?" : url.search);
  return addresses.flatMap((address) => queries.map((query) => address + query));
}

/** Twilio sends some dozens. A stranger must not make us sort a quarter of a million. */
const MAX_FIELDS = 1_000;
const AMPERSAND = 0x26;

/**
 * Fields by name, values of one name once each and in order, nothing between any of them. Undefined
 * for more fields than Twilio sends.
 */
export function formText(body: Uint8Array): string | undefined {
  if (countOf(body, AMPERSAND) >= MAX_FIELDS) return undefined;
  const fields = grouped(fromUtf8(body));
  return [...fields.keys()]
    .toSorted(byCodeUnit)
    .flatMap((name) =>
      [...new Set(fields.get(name))].toSorted(byCodeUnit).map((value) => name + value),
    )
    .join("");
}

function countOf(bytes: Uint8Array, wanted: number): number {
  let count = 0;
  for (const byte of bytes) if (byte === wanted) count += 1;
  return count;
}

/** Values by their names, both in the order they come in. */
function grouped(form: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(form)) {
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
  }
  return fields;
}

function withAndWithoutPort(address: string): string[] {
  const parts = ADDRESS.exec(address)?.groups;
  if (parts === undefined) return [address];
  const { scheme = "", user = "", host = "", port, rest = "" } = parts;
  const standard = scheme.toLowerCase() === "https://" ? ":443" : ":80";
  return ["", port ?? standard].map((one) => scheme + user + host + one + rest);
}

/** A URL of ours writes `%27` for an apostrophe; Twilio may have signed either. */
function queryForms(query: string): string[] {
  if (query === "" || query === "?") return [query];
  const bare = query.replaceAll("%27", "'");
  return [...new Set([query, bare, bare.replaceAll("'", "%27"), legacyQuery(query)])];
}

/** As Node's `querystring` writes it: what back ends of Twilio do, that re-encode before they sign. */
function legacyQuery(query: string): string {
  const pairs = [...grouped(query)].flatMap(([name, values]) =>
    values.map((value) => `${escaped(name)}=${escaped(value)}`),
  );
  return `?${pairs.join("&")}`;
}

function escaped(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function byCodeUnit(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
