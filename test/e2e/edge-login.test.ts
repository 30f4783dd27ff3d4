import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { digestOf } from "../../shared/constant-time.ts";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import { type EdgeWithCore, startEdgeWithCore } from "../support/edge-with-core.ts";
import {
  type RawRequest,
  rawRequest,
  type RawResponse,
  upgradeStatus,
} from "../support/raw-request.ts";
import { aBundle, TOKENS } from "../support/tunnel-core.ts";

let world: EdgeWithCore;
let bundle: EdgeBundle;
/** What the core got, newest last. */
let reached: Request[];
let lines: string[];

beforeAll(async () => {
  reached = [];
  lines = [];
  bundle = await aBundle({ login: { enabled: true } });
  world = await startEdgeWithCore(
    {
      bundle: () => bundle,
      fetch: (request) => {
        reached.push(request);
        return Promise.resolve(new Response("in", { headers: { "Set-Cookie": "theirs=1" } }));
      },
      upgrade: (request) => {
        reached.push(request);
        return Promise.resolve({ accepted: false, response: new Response(null, { status: 418 }) });
      },
    },
    { rateLimits: false, onLine: (line) => lines.push(line) },
  );
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  reached.length = 0;
});

const NAVIGATION = { "Sec-Fetch-Mode": "navigate", Accept: "text/html,*/*" } as const;

function ask(path: string, init?: RawRequest): Promise<RawResponse> {
  return rawRequest(world.edge.url, path, init);
}

function own(): Record<string, string> {
  return { Origin: world.edge.url.origin };
}

/** What the form of the login page sends. */
function submit(
  fields: Readonly<Record<string, string>>,
  { query = "", headers = own() } = {},
): Promise<RawResponse> {
  return ask(`/auth/login${query}`, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(fields).toString(),
  });
}

/** The `Cookie` header of a browser that has signed in. */
async function signIn(token: string = TOKENS.operator): Promise<string> {
  const [cookie = ""] = (await submit({ token })).headers["set-cookie"] ?? [];
  return cookie.split(";")[0] ?? "";
}

test("a person is shown to the login page, and nothing reaches the core on the way", async () => {
  const sent = await ask("/chat?session=main", { headers: NAVIGATION });
  expect(sent).toMatchObject({
    status: 303,
    headers: {
      location: "/auth/login?next=%2Fchat%3Fsession%3Dmain",
      "cache-control": "no-store",
    },
  });
  const page = await ask(sent.headers.location ?? "", { headers: NAVIGATION });
  expect(page.status).toBe(200);
  expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(page.text).toContain('<form method="post">');
  expect(page.headers["cache-control"]).toBe("no-store");
  const policy = page.headers["content-security-policy"];
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain("unsafe");
  const nonce = /'nonce-(?<nonce>[\w-]{22})'/.exec(String(policy))?.groups?.["nonce"];
  expect(page.text).toContain(`<style nonce="${nonce}">`);
  expect(reached).toEqual([]);
});

test.each([
  ["a program", "/chat", {}],
  ["a script of a page", "/chat", { "Sec-Fetch-Mode": "cors", Accept: "text/html" }],
  ["a program that wants JSON", "/chat", { Accept: "application/json" }],
  ["a person below /v1", "/v1/models", NAVIGATION],
  ["a wrong token that likes HTML", "/chat", { ...NAVIGATION, Authorization: "Bearer wrong" }],
  ["a socket", "/chat", { "Sec-Fetch-Mode": "websocket" }],
])("%s without credentials gets 401 as ever", async (_name, path, headers) => {
  const refused = await ask(path, { headers });
  expect(refused.status).toBe(401);
  expect(refused.headers["www-authenticate"]).toBe('Bearer realm="sallyport"');
  expect(JSON.parse(refused.text)).toMatchObject({ code: "unauthenticated" });
  expect(reached).toEqual([]);
});

test("who shows a token gets a cookie that opens the core, and the core never sees it", async () => {
  const signedIn = await submit({ token: ` ${TOKENS.operator}\r\n` }, { query: "?next=%2Fchat" });
  expect(signedIn.status).toBe(303);
  expect(signedIn.headers.location).toBe("/chat");
  expect(signedIn.headers["set-cookie"]).toEqual([
    expect.stringMatching(
      /^sallyport=v1\.[\w-]{43}\.\d{13}\.[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax$/,
    ),
  ]);
  const cookie = await signIn();
  const inside = await ask("/chat", { headers: { ...NAVIGATION, Cookie: `a=1; ${cookie}; b=2` } });
  expect(inside).toMatchObject({ status: 200, text: "in" });
  expect(reached.map((request) => request.headers.get("Cookie"))).toEqual(["a=1; b=2"]);
  await ask("/chat", { headers: { Cookie: cookie } });
  expect(reached.at(-1)?.headers.has("Cookie")).toBe(false);
});

test("a cookie beside a good token stays here too", async () => {
  const cookie = await signIn();
  const Authorization = `Bearer ${TOKENS.operator}`;
  await ask("/chat", { headers: { Authorization, Cookie: `${cookie}; c=3` } });
  expect(reached.at(-1)?.headers.get("Cookie")).toBe("c=3");
});

test("a page may send a token of the core's own beside its cookie", async () => {
  const headers = { Cookie: await signIn(), Authorization: "Bearer meant-for-the-upstream" };
  expect((await ask("/chat", { headers })).status).toBe(200);
});

test("the token of a guest opens as much by cookie as by itself", async () => {
  const headers = { Cookie: await signIn(TOKENS.chat) };
  expect((await ask("/v1/models", { headers })).status).toBe(200);
  expect((await ask("/status", { headers })).status).toBe(403);
});

test("wrong and missing tokens get the same page and no cookie", async () => {
  const refusals = await Promise.all([
    submit({}),
    submit({ token: "" }),
    submit({ token: "wrong" }),
    submit({ token: "two words" }),
    submit({ token: "a".repeat(5_000) }),
    submit({ token: TOKENS.operator.slice(0, -1) }),
    submit({ token: await digestOf(TOKENS.operator) }),
    submit({ Token: TOKENS.operator }),
  ]);
  const seen = refusals.map(({ status, headers, text }) => ({
    status,
    challenge: headers["www-authenticate"],
    cookies: headers["set-cookie"],
    text: text.replace(/nonce="[^"]*"/, ""),
  }));
  expect(seen[0]).toMatchObject({ status: 401, cookies: undefined });
  expect(seen[0]?.text).toContain('role="alert"');
  for (const refusal of seen) expect(refusal).toEqual(seen[0]);
});

test.each([
  ["another site", "https://evil.example/"],
  ["another host", "//evil.example"],
  ["a backslash", "/\\evil.example"],
  ["a tab", "/\t/evil.example"],
  ["a dot", "/.//evil.example"],
  ["a second header", "/\r\nSet-Cookie:a=1"],
  ["a script", "javascript:alert(1)"],
])("signing in never leads to %s", async (_name, next) => {
  const query = `?next=${encodeURIComponent(next)}`;
  const signedIn = await submit({ token: TOKENS.operator }, { query });
  expect(signedIn.status).toBe(303);
  expect(new URL(signedIn.headers.location ?? "", world.edge.url).origin).toBe(
    world.edge.url.origin,
  );
  expect(signedIn.headers.location).toMatch(/^\/(?!\/)/);
  expect(signedIn.headers["set-cookie"]).toHaveLength(1);
});

const FOREIGN: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["another site", { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }],
  ["another port of this machine", { Origin: "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site" }],
  ["a sandboxed frame", { Origin: "null", "Sec-Fetch-Site": "cross-site" }],
  ["nobody who says so", {}],
];

test.each(FOREIGN)("a form of %s signs nobody in or out", async (_name, headers) => {
  const signedIn = await submit({ token: TOKENS.operator }, { headers });
  expect(signedIn.status).toBe(403);
  expect(signedIn.headers).not.toHaveProperty("set-cookie");
  const out = await ask("/auth/logout", { method: "POST", headers });
  expect(out.status).toBe(403);
  expect(out.headers).not.toHaveProperty("set-cookie");
});

test.each(FOREIGN)("%s cannot use a cookie to change something", async (_name, foreign) => {
  const headers = { ...foreign, Cookie: await signIn() };
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    expect((await ask("/chat", { method, headers })).status).toBe(403);
  }
  expect((await ask("/auth/ticket", { method: "POST", headers })).status).toBe(403);
  expect(await upgradeStatus(world.edge.url, "/ws", headers)).toBe(403);
  expect(reached).toEqual([]);
});

test("our own page may, and so may a bearer token from anywhere", async () => {
  const Cookie = await signIn();
  const browser = { Origin: "null", "Sec-Fetch-Site": "same-origin" };
  for (const headers of [
    { ...own(), Cookie },
    { ...browser, Cookie },
  ]) {
    expect((await ask("/chat", { method: "POST", headers })).status).toBe(200);
  }
  // The core is asked, and says that it is a teapot.
  expect(await upgradeStatus(world.edge.url, "/ws", { ...own(), Cookie })).toBe(418);
  const token = { Authorization: `Bearer ${TOKENS.operator}`, Origin: "https://evil.example" };
  expect((await ask("/chat", { method: "POST", headers: token })).status).toBe(200);
  expect(await upgradeStatus(world.edge.url, "/ws", token)).toBe(418);
});

test("a link of another site finds its reader signed in", async () => {
  const headers = { ...NAVIGATION, "Sec-Fetch-Site": "cross-site", Cookie: await signIn() };
  expect((await ask("/chat", { headers })).status).toBe(200);
});

test("signing out takes the cookie away, and the page says who is signed in until then", async () => {
  const Cookie = await signIn();
  const page = await ask("/auth/login", { headers: { ...NAVIGATION, Cookie } });
  expect(page.text).toContain("<b>owner</b>");
  const out = await ask("/auth/logout", { method: "POST", headers: { ...own(), Cookie } });
  expect(out).toMatchObject({ status: 303, headers: { location: "/auth/login" } });
  expect(out.headers["set-cookie"]).toEqual([
    "sallyport=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
  ]);
});

test("a forged cookie is none, and a person with one may sign in", async () => {
  const cookie = await signIn();
  const headers = { Cookie: `${cookie.slice(0, -1)}${cookie.endsWith("A") ? "E" : "A"}` };
  expect((await ask("/chat", { headers })).status).toBe(401);
  expect((await ask("/chat", { headers: { ...headers, ...NAVIGATION } })).status).toBe(303);
  expect((await ask("/chat", { headers: { Cookie: `${cookie}; ${cookie}` } })).status).toBe(401);
  expect(reached).toEqual([]);
});

test("no token, cookie or MAC is ever logged", async () => {
  const cookie = await signIn();
  await submit({ token: "wrong-but-still-secret" });
  await expect.poll(() => lines.join("\n")).toContain("sign_in_refused");
  const log = lines.join("\n");
  expect(log).toContain("signed_in");
  for (const secret of [TOKENS.operator, "wrong-but-still-secret", cookie.slice(-43)]) {
    expect(log).not.toContain(secret);
  }
});

test.each([
  ["PUT", "/auth/login", "GET, HEAD, POST"],
  ["GET", "/auth/logout", "POST"],
  ["GET", "/auth/ticket", "POST"],
])("%s %s is told the methods there are", async (method, path, allow) => {
  const refused = await ask(path, { method });
  expect(refused).toMatchObject({ status: 405, headers: { allow } });
});

test("anything but a small form is refused", async () => {
  const headers = { ...own(), "Content-Type": "application/json" };
  const body = JSON.stringify({ token: TOKENS.operator });
  expect((await ask("/auth/login", { method: "POST", headers, body })).status).toBe(415);
  expect((await submit({ token: "x".repeat(9_000) })).status).toBe(413);
});
