import { expect, test } from "vitest";
import { miniflareOptions, parseWrangler, readWrangler } from "./settings.ts";

const local = { scriptPath: "/tmp/worker.js", port: 0 };

test("the checkout's wrangler.toml is understood whole", async () => {
  const settings = await readWrangler();
  expect(settings.durable_objects.bindings).toEqual([{ name: "RELAY", class_name: "Relay" }]);
  expect(settings.compatibility_date <= "2026-07-30").toBe(true);
});

test("Miniflare gets the date, flags, bindings, storage and rate limits of the file", async () => {
  const settings = await readWrangler();
  expect(miniflareOptions(settings, local)).toMatchObject({
    host: "127.0.0.1",
    cf: false,
    compatibilityDate: settings.compatibility_date,
    compatibilityFlags: [
      "enable_request_signal",
      "request_signal_passthrough",
      "no_web_socket_compression",
    ],
    bindings: settings.vars,
    durableObjects: { RELAY: { className: "Relay", useSQLite: true } },
    ratelimits: { CLIENT_RATE: { simple: { period: 10 } }, FAILURE_RATE: {} },
  });
});

test("a binding given locally wins over the file, and rate limits can be left out", async () => {
  const options = miniflareOptions(await readWrangler(), {
    ...local,
    bindings: { TENANT: "other", PAIRING_SECRET: "s" },
    rateLimits: false,
    storageDir: "/tmp/do",
  });
  expect(options).toMatchObject({
    bindings: { TENANT: "other", PAIRING_SECRET: "s", RELAYS: "weur:1" },
    durableObjectsPersist: "/tmp/do",
    ratelimits: {},
  });
});

test("a key that would be deployed but not tested is refused by name", async () => {
  expect(() => parseWrangler('name = "x"\nkv_namespaces = []')).toThrow(/kv_namespaces/);
});
