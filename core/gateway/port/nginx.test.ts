import { once } from "node:events";
import { WebSocket } from "ws";
import { expect, test } from "vitest";
import { connectFrame } from "../../../test/support/gateway-socket.ts";
import { GATEWAY_TOKEN as token, startGatewayWorld } from "../../../test/support/gateway-world.ts";
import { NGINX, startNginx } from "../../../test/support/nginx.ts";

/** As guides have it: asked before everything, and all of it passed on. */
function guarded(gateway: string): string {
  return `
    location = /auth {
      internal;
      proxy_pass ${gateway}/api/auth/check;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-Forwarded-For $remote_addr;
    }
    location /private { auth_request /auth; }
    location /v1/ { proxy_pass ${gateway}; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }
    location /gateway {
      proxy_pass ${gateway};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_set_header Host $host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }`;
}

const BASE = { auth: { token } };
const AUTH = { Authorization: `Bearer ${token}` };

test.runIf(NGINX)("a real nginx lets in whom the gateway knows, and nobody else", async () => {
  await using it = await startGatewayWorld({
    gateway: { ...BASE, trustedProxies: ["127.0.0.1"] },
  });
  await using nginx = await startNginx({ "private/x": "the inner page" }, guarded(it.url));
  const get = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(new URL(path, nginx.url), init);
  const inner = await get("/private/x", { headers: AUTH });
  expect([inner.status, await inner.text()]).toEqual([200, "the inner page"]);
  expect((await get("/private/x")).status).toBe(401);
  expect((await get("/private/x", { headers: { Authorization: "Bearer no" } })).status).toBe(401);
  const posted = await get("/private/x", { method: "POST", body: "{}", headers: AUTH });
  // Let through: what nginx then says of a file is its own business.
  expect(posted.status).toBe(405);
  expect((await get(`/private/x?token=${token}`)).status).toBe(401);
  expect((await get("/private/x", { headers: { Cookie: `token=${token}` } })).status).toBe(401);
  expect((await get("/v1/models", { headers: AUTH })).status).toBe(200);
  expect(JSON.stringify(it.log)).not.toContain(token);
});

test.runIf(NGINX)(
  "nobody who comes through a real nginx is a program of this machine",
  async () => {
    await using it = await startGatewayWorld({
      gateway: { ...BASE, trustedProxies: ["127.0.0.1"] },
    });
    await using nginx = await startNginx({}, guarded(it.url));
    const socket = new WebSocket(`${nginx.url.origin.replace("http", "ws")}/gateway`);
    await once(socket, "message");
    socket.send(JSON.stringify(connectFrame({ auth: { token } })));
    const [answer] = await once(socket, "message");
    expect(JSON.parse(String(answer))).toMatchObject({ payload: { auth: { scopes: [] } } });
    socket.terminate();
  },
);

test.runIf(NGINX)("a real nginx that nobody has named gets nothing through", async () => {
  await using it = await startGatewayWorld({ gateway: BASE });
  await using nginx = await startNginx({}, guarded(it.url));
  const response = await fetch(new URL("/v1/models", nginx.url), { headers: AUTH });
  expect(response.status).toBe(403);
  expect(await response.json()).toMatchObject({ error: { type: "proxy_attribution_required" } });
});

/** The shortest that works, as people write it: no word of whom it speaks for, nor our name. */
const bare = (gateway: string): string => `location / { proxy_pass ${gateway}; }`;
const bareSockets = (gateway: string): string => `
    location / {
      proxy_pass ${gateway};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }`;
const OPEN = { gateway: { auth: { mode: "none" } } };

test.runIf(NGINX)("a real nginx that says nothing of itself is no program of ours", async () => {
  await using it = await startGatewayWorld(OPEN);
  expect((await it.fetch("/v1/models")).status).toBe(200);
  await using nginx = await startNginx({}, bare(it.url));
  const response = await fetch(new URL("/v1/models", nginx.url));
  expect(response.status).toBe(401);
});

test.runIf(NGINX && process.getuid?.() === 0)(
  "a real nginx that speaks as a program does is known by its user",
  async () => {
    await using it = await startGatewayWorld(OPEN);
    await using nginx = await startNginx({}, bareSockets(it.url), "nobody nogroup");
    expect((await fetch(new URL("/v1/models", nginx.url))).status).toBe(401);
    const socket = new WebSocket(`${nginx.url.origin.replace("http", "ws")}/gateway`);
    await once(socket, "message");
    socket.send(JSON.stringify(connectFrame({ auth: { token } })));
    const [answer] = await once(socket, "message");
    expect(JSON.parse(String(answer))).toMatchObject({ ok: false });
    socket.terminate();
  },
);

test.each([{ Via: "1.1 proxy" }, { "CF-Connecting-IP": "203.0.113.7" }, { "Client-IP": "x" }])(
  "a request with %o is not from this machine",
  async (headers) => {
    await using it = await startGatewayWorld(OPEN);
    expect((await it.fetch("/v1/models", { headers })).status).toBe(401);
    expect((await it.fetch("/v1/models")).status).toBe(200);
  },
);

test.each(["GET", "HEAD"])(
  "%s /api/auth/check says yes or no, and nothing else",
  async (method) => {
    await using it = await startGatewayWorld({ gateway: BASE });
    const yes = await it.fetch("/api/auth/check", { method, headers: AUTH });
    expect([yes.status, await yes.text()]).toEqual([204, ""]);
    const no = await it.fetch("/api/auth/check", { method });
    expect(no.status).toBe(401);
    expect(no.headers.get("WWW-Authenticate")).toContain("Bearer");
  },
);
