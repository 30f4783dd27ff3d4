import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConnectedUpstream, startUpstream } from "../support/connector.ts";
import { NGINX, startNginx } from "../support/nginx.ts";

const PAGE = "<!doctype html><title>Site</title><p>Hello €</p>";
const STYLE = "body { color: black } ".repeat(500);
const BIG = randomBytes(24 * 1024 * 1024);

/** The answer as it is on the wire; `fetch` would decompress it. */
async function raw(
  site: ConnectedUpstream,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<{ status: number; headers: IncomingMessage["headers"]; body: Buffer }> {
  const asked = request(new URL(path, site.edge.url), {
    method,
    headers: { authorization: `Bearer ${site.token}`, ...headers },
    agent: false,
  }).end();
  const [answer]: IncomingMessage[] = await once(asked, "response");
  if (answer === undefined) throw new Error("no answer");
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    body: Buffer.concat(chunks),
  };
}

describe.skipIf(NGINX === undefined)("a site that nginx serves", () => {
  let nginx: Awaited<ReturnType<typeof startNginx>>;
  let site: ConnectedUpstream;

  beforeAll(async () => {
    nginx = await startNginx({
      "index.html": PAGE,
      "style.css": STYLE,
      "big.bin": BIG,
      "a b/ü.html": "deep",
    });
    site = await startUpstream({ url: nginx.url });
  });
  afterAll(async () => {
    await site?.[Symbol.asyncDispose]();
    await nginx?.[Symbol.asyncDispose]();
  });

  test("a page comes with its type, and a stranger does not get it", async () => {
    const page = await raw(site, "/");
    expect([page.status, page.headers["content-type"], page.body.toString()]).toEqual([
      200,
      "text/html",
      PAGE,
    ]);
    expect((await site.call("/", { token: "wrong" })).status).toBe(401);
  });

  test("names of any kind find their file", async () => {
    expect((await raw(site, "/a%20b/%C3%BC.html")).body.toString()).toBe("deep");
  });

  test("what is compressed stays so, and only for those who take it", async () => {
    const packed = await raw(site, "/style.css", { "accept-encoding": "gzip" });
    expect(packed.headers["content-encoding"]).toBe("gzip");
    expect(packed.body.byteLength).toBeLessThan(STYLE.length / 4);
    expect(gunzipSync(packed.body).toString()).toBe(STYLE);
    const plain = await raw(site, "/style.css", { "accept-encoding": "identity" });
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect(plain.body.toString()).toBe(STYLE);
  });

  test("a large file comes byte for byte, and says how long it is", async () => {
    const big = await raw(site, "/big.bin");
    expect(big.body.equals(BIG)).toBe(true);
    expect(big.headers["content-length"]).toBe(String(BIG.byteLength));
  });

  test("parts of a file can be asked for", async () => {
    const part = await raw(site, "/big.bin", { range: "bytes=1000-1999" });
    expect([part.status, part.headers["content-range"]]).toEqual([
      206,
      `bytes 1000-1999/${BIG.byteLength}`,
    ]);
    expect(part.body.equals(BIG.subarray(1000, 2000))).toBe(true);
    const beyond = await raw(site, "/big.bin", { range: `bytes=${BIG.byteLength}-` });
    expect([beyond.status, beyond.headers["content-range"]]).toEqual([
      416,
      `bytes */${BIG.byteLength}`,
    ]);
  });

  test("what a client has already is not sent again", async () => {
    const { headers } = await raw(site, "/big.bin", { range: "bytes=0-0" });
    const { etag = "", "last-modified": modified = "" } = headers;
    for (const [name, value] of [
      ["if-none-match", etag],
      ["if-modified-since", modified],
    ] as const) {
      const answer = await raw(site, "/big.bin", { [name]: value });
      expect([answer.status, answer.headers.etag, answer.body.byteLength]).toEqual([304, etag, 0]);
    }
    const stale = await raw(site, "/big.bin", { range: "bytes=0-9", "if-range": '"other"' });
    expect([stale.status, stale.body.byteLength]).toEqual([200, BIG.byteLength]);
  });

  test("HEAD says how long the body would be, and sends none", async () => {
    const head = await raw(site, "/big.bin", {}, "HEAD");
    expect([head.status, head.headers["content-length"], head.body.byteLength]).toEqual([
      200,
      String(BIG.byteLength),
      0,
    ]);
  });

  test("what is not there, or not allowed, is the site's to say", async () => {
    const missing = await raw(site, "/nothing");
    expect([missing.status, missing.headers["x-gw-error"]]).toEqual([404, undefined]);
    expect(missing.body.toString()).toContain("nginx");
    expect((await raw(site, "/", {}, "DELETE")).status).toBe(405);
  });

  test("a redirect and each cookie go through untouched", async () => {
    const moved = await raw(site, "/inside/");
    expect([moved.status, moved.headers.location]).toEqual([
      301,
      new URL("/elsewhere/", nginx.url).href,
    ]);
    expect((await raw(site, "/cookies")).headers["set-cookie"]).toEqual([
      "a=1; Path=/; HttpOnly",
      "b=2; Path=/",
    ]);
  });

  test("the site sees its own name, and neither credential nor claims", async () => {
    const claims = { "x-forwarded-for": "198.51.100.1" };
    const seen = await raw(site, "/seen?a=%2F&b=1", claims);
    expect(seen.body.toString()).toBe("127.0.0.1|||/seen?a=%2F&b=1");
  });

  test("an upload that is too large is refused by the site before its end", async () => {
    const body = randomBytes(8 * 1024 * 1024);
    const refused = await site.call("/small", { method: "POST", body });
    expect([refused.status, refused.headers.get("x-gw-error")]).toEqual([413, null]);
    expect(await refused.text()).toContain("nginx");
  });
});
