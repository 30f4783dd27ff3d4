/** A proxy on the machine of the gateway lends nobody the trust that programs of that machine have. */
import { expect, test } from "vitest";
import { challengeIn } from "../support/gateway-refusals.ts";
import { createDevice } from "../support/gateway-device.ts";
import { connectFrame, openGatewaySocket } from "../support/gateway-socket.ts";
import {
  GATEWAY_TOKEN as token,
  type GatewayWorld,
  startGatewayWorld,
} from "../support/gateway-world.ts";
import { NGINX, startNginx } from "../support/nginx.ts";
import { rawRequest, upgradeStatus } from "../support/raw-request.ts";

const NAME = "gateway.example";
const CLIENT = { Host: NAME };

/** As people write it: with what a proxy should say of its clients, or without. */
function passing(gateway: string, says: string): string {
  return `
    location /v1/ { proxy_pass ${gateway}; proxy_set_header Host $host; ${says} }
    location /metrics { proxy_pass ${gateway}; proxy_set_header Host $host; ${says} }
    location /gateway {
      proxy_pass ${gateway};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_set_header Host $host;
      ${says}
    }`;
}

const FORWARDED = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";

function startBehind(more: object): Promise<GatewayWorld> {
  return startGatewayWorld({
    gateway: { auth: { token }, publicOrigin: `https://${NAME}`, ...more },
    sallyport: { metrics: { openToLoopback: true } },
  });
}

/** What a device hears that asks to be let in, with the token of the gateway. */
async function pairing(url: URL): Promise<unknown> {
  using client = await openGatewaySocket(url, { headers: CLIENT });
  const { payload } = await client.frame({ event: "connect.challenge" });
  const { params } = connectFrame({ auth: { token }, scopes: ["operator.admin"] });
  client.send(connectFrame(createDevice().prove(params, challengeIn(payload))));
  return await client.frame({ type: "res" });
}

/** The scopes of a client that has the token and no device. */
async function scopes(url: URL): Promise<unknown> {
  using client = await openGatewaySocket(url, { headers: CLIENT });
  await client.frame({ event: "connect.challenge" });
  client.send(connectFrame({ auth: { token }, scopes: ["operator.admin"] }));
  const { payload } = await client.frame({ type: "res", ok: true });
  return Object(payload).auth.scopes;
}

test.runIf(NGINX).each([
  ["that tells of its clients and is named", FORWARDED, { trustedProxies: ["127.0.0.1"] }],
  ["that tells nothing of its clients", "", {}],
  ["that tells nothing of its clients and is named", "", { trustedProxies: ["127.0.0.1"] }],
])("behind a proxy %s nobody is paired in silence, exempt or trusted", async (_n, says, more) => {
  await using it = await startBehind(more);
  await using nginx = await startNginx({}, passing(it.url, says));
  expect(await pairing(nginx.url)).toMatchObject({
    ok: false,
    error: { details: { code: "PAIRING_REQUIRED" } },
  });
  expect(await scopes(nginx.url)).toEqual([]);
  expect((await rawRequest(nginx.url, "/metrics", { headers: CLIENT })).status).toBe(401);
  const guess = (shown: string) =>
    rawRequest(nginx.url, "/v1/models", {
      headers: { ...CLIENT, Authorization: `Bearer ${shown}` },
    });
  const guesses = await Promise.all(Array.from({ length: 10 }, () => guess("wrong")));
  expect(new Set(guesses.map(({ status }) => status))).toEqual(new Set([401]));
  expect((await guess(token)).status).toBe(429);
});

test.runIf(NGINX)(
  "what a proxy tells that nobody has named is refused, on a socket too",
  async () => {
    await using it = await startBehind({});
    await using nginx = await startNginx({}, passing(it.url, FORWARDED));
    const headers = { ...CLIENT, Authorization: `Bearer ${token}` };
    expect((await rawRequest(nginx.url, "/v1/models", { headers })).status).toBe(403);
    expect(await upgradeStatus(nginx.url, "/gateway", headers)).toBe(403);
  },
);

test.runIf(NGINX)("a client cannot say through a proxy that it is of this machine", async () => {
  await using it = await startBehind({ trustedProxies: ["127.0.0.1"] });
  await using nginx = await startNginx({}, passing(it.url, FORWARDED));
  for (const claim of [
    { "X-Forwarded-For": "127.0.0.1" },
    { "X-Forwarded-For": "::1, 127.0.0.1" },
    { "X-Real-IP": "127.0.0.1" },
    { Forwarded: "for=127.0.0.1" },
  ]) {
    const headers: Record<string, string> = { ...CLIENT };
    for (const [name, value] of Object.entries(claim)) headers[name] = value;
    expect((await rawRequest(nginx.url, "/metrics", { headers })).status).toBe(401);
  }
});
