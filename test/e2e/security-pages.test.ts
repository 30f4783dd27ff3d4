/** What a web page of others could make a browser do: hijack a WebSocket, rebind a name, plant a token. */
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Door } from "../support/access-rules.ts";
import { bearer, type MatrixWorld, startMatrixWorld } from "../support/matrix-world.ts";
import { rawRequest, upgradeStatus } from "../support/raw-request.ts";

const DOORS = ["the core's own port", "the edge"] as const;
let world: MatrixWorld;

beforeAll(async () => {
  world = await startMatrixWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const FOREIGN = [
  ["another site", "https://evil.example"],
  ["a sandboxed frame", "null"],
  ["a page that looks like us", "http://127.0.0.1.evil.example"],
  ["a page in whose user name we are", "http://localhost@evil.example"],
  ["a file", "file://"],
  ["an extension", "chrome-extension://abcdefghijklmnop"],
] as const;

for (const door of DOORS) {
  test.each(FOREIGN)(
    `cross-site WebSocket hijack: %s gets no socket at ${door}, with a good token or without`,
    async (_name, Origin) => {
      for (const headers of [{ Origin }, { Origin, ...bearer(world.home.token) }]) {
        const status = await upgradeStatus(world.url(door), "/gateway", headers);
        // A bearer token is nothing that a browser adds on its own: the edge takes it from anywhere.
        const isShown = "Authorization" in headers && door === "the edge";
        if (isShown) expect([101, 403]).toContain(status);
        else expect(status).toBe(403);
      }
    },
  );
}

test.each(FOREIGN)("a page of %s changes nothing by HTTP at the core", async (_name, Origin) => {
  for (const [method, path] of [
    ["POST", "/v1/chat/completions"],
    ["POST", "/tools/invoke"],
    ["POST", "/hooks/wake"],
    ["DELETE", "/v1/responses/resp_1"],
  ] as const) {
    const headers = { Origin, ...bearer(world.home.token), "Content-Type": "application/json" };
    const { status } = await rawRequest(world.url("the core's own port"), path, {
      method,
      headers,
      body: method === "POST" ? "{}" : "",
    });
    expect(status, `${method} ${path}`).toBe(403);
  }
});

test.each([
  ["a name that was made to point here", "gateway.evil.example"],
  ["the same with our port", "gateway.evil.example:18789"],
  ["a name that begins like an address", "127.0.0.1.nip.example"],
  ["a name with a user", "localhost@evil.example"],
  ["a name with a path", "localhost/evil.example"],
])("DNS rebinding: %s is not answered, with a good token either", async (_name, Host) => {
  for (const path of ["/v1/models", "/openapi.json", "/nothing"]) {
    const headers = { Host, ...bearer(world.home.token) };
    const { status, text: said } = await rawRequest(world.url("the core's own port"), path, {
      headers,
    });
    expect([400, 403], `${path}: ${said}`).toContain(status);
  }
  const status = await upgradeStatus(world.url("the core's own port"), "/gateway", { Host });
  expect([400, 403]).toContain(status);
});

test("a request without a host, or with two, is not answered", async () => {
  const { port } = new URL(world.core.url);
  for (const hosts of ["", "Host: localhost\r\nHost: evil.example\r\n"]) {
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(
      `GET /v1/models HTTP/1.1\r\n${hosts}Authorization: Bearer ${world.home.token}\r\nConnection: close\r\n\r\n`,
    );
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
  }
});

test.each(DOORS)("a token in the URL opens nothing at %s, and is in no log", async (door: Door) => {
  const { token } = world.home;
  for (const name of ["token", "access_token", "Token", "password"]) {
    const path = `/v1/models?${name}=${token}`;
    const { status, text: said } = await rawRequest(world.url(door), path);
    expect([400, 401], `${name}: ${said}`).toContain(status);
    expect(said).not.toContain(token);
    const upgrade = await upgradeStatus(world.url(door), `/gateway?${name}=${token}`);
    expect([400, 401, 101], name).toContain(upgrade);
    // Where such a name means nothing, the socket is greeted as any other, and knows nobody yet.
    if (upgrade === 101) expect(name).toBe("password");
  }
  expect(world.core.log.join("\n")).not.toContain(token);
});

test.each(DOORS)("a link cannot say which gateway a page talks to at %s", async (door) => {
  const evil = "wss://evil.example";
  for (const path of [
    `/?gatewayUrl=${evil}`,
    `/chat?gatewayUrl=${evil}&session=main`,
    `/control-ui-config.json?gatewayUrl=${evil}`,
  ]) {
    const answer = await rawRequest(world.url(door), path, {
      headers: { Accept: "text/html", ...bearer(world.home.token) },
    });
    expect(`${JSON.stringify(answer.headers)}${answer.text}`, path).not.toContain("evil.example");
  }
});
