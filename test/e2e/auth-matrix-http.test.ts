/** Every route, with every credential, at both doors: what becomes of it is told by the table of routes. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "../../core/gateway/app/app.ts";
import { ROUTE_TABLE } from "../../core/http/routes.ts";
import { type Ask, type Door, everyAsk, verdictIn, verdictOf } from "../support/access-rules.ts";
import {
  bearer,
  type Credential,
  type MatrixWorld,
  startMatrixWorld,
  usedTicket,
} from "../support/matrix-world.ts";
import { rawRequest, type RawResponse, upgradeStatus } from "../support/raw-request.ts";
import { readOpenApi } from "../support/open-api.ts";
import { eventually } from "../support/until.ts";

const DOORS: readonly Door[] = ["the core's own port", "the edge"];
const PASSWORD = "a-password-that-nobody-guesses";

function sent(url: URL, ask: Ask, shown: Credential): Promise<RawResponse> {
  const hasBody = ask.method === "POST";
  const type: Record<string, string> = hasBody ? { "Content-Type": "application/json" } : {};
  const accept: Record<string, string> =
    shown.query === undefined ? {} : { Accept: "text/event-stream" };
  return rawRequest(url, `${ask.path}${shown.query ?? ""}`, {
    method: ask.method,
    headers: { ...type, ...accept, ...shown.headers },
    // Fits nothing, so that nothing is done.
    body: hasBody ? "{}" : "",
  });
}

/** Asks for everything, and tells what was answered otherwise than the table says. */
async function surprises(world: MatrixWorld, door: Door, shown: Credential): Promise<string[]> {
  const asked = everyAsk().map(async (ask) => {
    const { status, text } = await sent(world.url(door), ask, shown);
    const told = verdictOf(ask, shown.who, door);
    const isSo = verdictIn(status, ask) === told && status < 500;
    return isSo ? [] : [`${ask.method} ${ask.path}: ${told}, but ${status} ${text}`];
  });
  return (await Promise.all(asked)).flat();
}

describe("with a token", () => {
  let world: MatrixWorld;
  let shown: ReadonlyMap<string, Credential>;

  beforeAll(async () => {
    world = await startMatrixWorld();
    const { token } = world.home;
    const devices = await Promise.all(
      [[], ["operator.read"], ["operator.write"], ["operator.admin"]].map(async (scopes) => {
        const paired = await world.pair(scopes);
        const name = `the token of a device with the scopes [${scopes.join()}]`;
        return { name, who: { scopes }, headers: bearer(paired.token) };
      }),
    );
    const revoked = await world.pair(["operator.admin"]);
    await world.own("device.token.revoke", { deviceId: revoked.device.id, role: "operator" });
    const removed = await world.pair(["operator.admin"]);
    await world.own("device.pair.remove", { deviceId: removed.device.id });
    const changed = await world.pair(["operator.admin"]);
    await world.own("device.token.rotate", { deviceId: changed.device.id, role: "operator" });
    const nobody = "nobody" as const;
    const ticket = await usedTicket(world, token);
    const all: readonly Credential[] = [
      { name: "nothing", who: nobody, headers: {} },
      { name: "a wrong token", who: nobody, headers: bearer("wrong") },
      { name: "an empty token", who: nobody, headers: { Authorization: "Bearer " } },
      {
        name: "the token as a password of Basic",
        who: nobody,
        headers: { Authorization: `Basic ${Buffer.from(`x:${token}`).toString("base64")}` },
      },
      { name: "the token of webhooks", who: "sender", headers: bearer(world.home.hooksToken) },
      { name: "the token of a device, revoked", who: nobody, headers: bearer(revoked.token) },
      { name: "the old token of a device", who: nobody, headers: bearer(changed.token) },
      {
        name: "the token of a device that was removed",
        who: nobody,
        headers: bearer(removed.token),
      },
      { name: "the token", who: "owner", headers: bearer(token) },
      ...devices,
      { name: "a ticket that was used", who: nobody, headers: {}, query: `?ticket=${ticket}` },
      {
        name: "a session cookie that nobody signed",
        who: nobody,
        headers: { Cookie: `sallyport=v1.${"A".repeat(43)}.9999999999999.${"A".repeat(43)}` },
      },
    ];
    shown = new Map(all.map((one) => [one.name, one]));
    // The edge has heard of all of them once it knows the last that was paired, and of the first that is not.
    for (const { headers, who } of all) {
      const status =
        who === "nobody" || who === "sender" ? 401 : Object(who).scopes?.length === 0 ? 403 : 200;
      await eventually(async () => {
        const answer = await rawRequest(world.edge.url, "/v1/models", { headers });
        expect(answer.status).toBe(status);
      });
    }
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const NAMES = [
    "nothing",
    "a wrong token",
    "an empty token",
    "the token as a password of Basic",
    "the token of webhooks",
    "the token of a device, revoked",
    "the old token of a device",
    "the token of a device that was removed",
    "a ticket that was used",
    "a session cookie that nobody signed",
    "the token",
    "the token of a device with the scopes []",
    "the token of a device with the scopes [operator.read]",
    "the token of a device with the scopes [operator.write]",
    "the token of a device with the scopes [operator.admin]",
  ];

  test("no credential is left out", () => {
    expect([...shown.keys()].toSorted()).toEqual(NAMES.toSorted());
  });

  for (const door of DOORS) {
    test.each(NAMES)(`every route answers %s at ${door} as the table says`, async (name) => {
      const credential = shown.get(name);
      if (credential === undefined) throw new Error(`no ${name}`);
      expect(await surprises(world, door, credential)).toEqual([]);
    });
  }

  test.each([
    ["nothing", 401],
    ["the token of webhooks", 401],
    ["the token of a device, revoked", 401],
    ["the token", 204],
    ["the token of a device with the scopes []", 403],
    ["the token of a device with the scopes [operator.read]", 403],
    ["the token of a device with the scopes [operator.write]", 204],
    ["the token of a device with the scopes [operator.admin]", 204],
  ])("a proxy that asks about %s hears %i at both doors", async (name, status) => {
    const headers = shown.get(name)?.headers ?? {};
    const heard = DOORS.map((door) => rawRequest(world.url(door), "/api/auth/check", { headers }));
    expect((await Promise.all(heard)).map((answer) => answer.status)).toEqual([status, status]);
  });

  test("the served document describes the routes of the table, and no others", async () => {
    const served = await rawRequest(new URL(world.core.url), "/openapi.json", {
      headers: bearer(world.home.token),
    });
    const told = readOpenApi(JSON.parse(served.text)).map(
      ({ method, path }) => `${method} ${path}`,
    );
    const known = [...ROUTE_TABLE.values()].flatMap(({ method, paths }) =>
      paths.map((path) => `${method} ${path}`),
    );
    expect(told.toSorted()).toEqual(known.toSorted());
  });

  test("an upgrade is refused at the edge to whoever shows something wrong, and greeted by the core", async () => {
    for (const { name, who, headers, query = "" } of shown.values()) {
      const status = await upgradeStatus(world.edge.url, `/gateway${query}`, headers);
      // Who shows nothing that counts is put the challenge, and says in the first frame who he is.
      const isSilent = !("Authorization" in headers);
      const told = isSilent || who === "owner" ? 101 : 401;
      const scopes: readonly string[] | undefined = Object(who).scopes;
      const ofDevice = scopes?.length === 0 ? 403 : 101;
      const wanted = scopes === undefined ? told : ofDevice;
      expect([101, 401].includes(status) && query !== "" ? told : status, name).toBe(wanted);
      expect(await upgradeStatus(new URL(world.core.url), "/gateway", headers), name).toBe(101);
    }
  });
});

describe("with a password", () => {
  let world: MatrixWorld;
  beforeAll(async () => {
    world = await startMatrixWorld({ mode: "password", password: PASSWORD });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const CREDENTIALS: readonly Credential[] = [
    { name: "nothing", who: "nobody", headers: {} },
    { name: "a wrong password", who: "nobody", headers: bearer("wrong") },
    { name: "the password", who: "owner", headers: bearer(PASSWORD) },
  ];
  for (const door of DOORS) {
    test.each(CREDENTIALS)(
      `every route answers $name at ${door} as the table says`,
      async (one) => {
        expect(await surprises(world, door, one)).toEqual([]);
      },
    );
  }
});

test("the core serves no path that is not in the table", () => {
  // Nothing is called: what is served is known as soon as it is built.
  const stub = Object({});
  const app = createApp(
    Object({
      authenticator: stub,
      health: stub,
      api: stub,
      metrics: stub,
      log: stub,
      hooks: { path: "/hooks" },
    }),
  );
  const known = new Set(
    [...ROUTE_TABLE.values()].flatMap(({ paths }) => paths.map((path) => patternOf(path))),
  );
  // What is below is asked who it is before it is told that there is nothing.
  const hiding = ["/*", "/v1/*", "/api/*"];
  const served = new Set(app.routes.map(({ path }) => path.replaceAll(/:\w+(?:\{[^}]*\})?/g, "*")));
  expect(served.difference(known).difference(new Set(hiding))).toEqual(new Set());
  expect(known.difference(served)).toEqual(new Set());
});

function having(access: string): string[] {
  return [...ROUTE_TABLE.values()].flatMap((route) => (route.access === access ? route.paths : []));
}

test("what is open to everybody, or looks for itself, is known", () => {
  // Probes say that it lives, and to strangers nothing else.
  expect(new Set(having("open"))).toEqual(
    new Set(["/health", "/healthz", "/startup", "/startupz", "/ready", "/readyz"]),
  );
  // A scrape may be let in from this machine; a webhook has credentials of its own.
  expect(new Set(having("own"))).toEqual(new Set(["/metrics", "/hooks/{name}"]));
});

test("no route that changes something is for who may only read", () => {
  const changing = [...ROUTE_TABLE.values()].filter(({ method }) => method !== "GET");
  const wrong = changing.filter(
    ({ access }) => typeof access === "object" && access.scope === "operator.read",
  );
  expect(wrong).toEqual([]);
});

function patternOf(path: string): string {
  return path.replaceAll(/\{\w+\}/g, "*");
}

test("the edge answers for itself at paths that are known, and hands on all others", async () => {
  const source = await readFile(
    fileURLToPath(new URL("../../edge/app.ts", import.meta.url)),
    "utf8",
  );
  const own = [...source.matchAll(/\{ path: "(?<path>[^"]+)"/g)].map(
    ({ groups }) => groups?.["path"],
  );
  expect(new Set(own)).toEqual(
    new Set([
      "/health",
      "/healthz",
      "/tunnel",
      "/tunnel/pair",
      "/tunnel/:relay",
      "/hooks/:route",
      "/auth/login",
      "/auth/logout",
      "/auth/ticket",
      "/api/auth/check",
      "*",
    ]),
  );
});
