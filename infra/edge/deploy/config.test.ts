import { expect, test } from "vitest";
import { readWrangler } from "../../cloudflare/settings.ts";
import { deployConfig } from "./config.ts";

const deployment = { name: "mine", main: "/w.js", domain: undefined, relays: undefined };

test("what is deployed is what wrangler.toml says, which the tests run", async () => {
  const settings = await readWrangler();
  expect(deployConfig(settings, deployment)).toMatchObject({
    name: "mine",
    main: "/w.js",
    no_bundle: true,
    compatibility_date: settings.compatibility_date,
    compatibility_flags: settings.compatibility_flags,
    vars: settings.vars,
    migrations: settings.migrations,
    ratelimits: settings.ratelimits,
    durable_objects: { bindings: settings.durable_objects.bindings },
    routes: [],
    workers_dev: true,
    preview_urls: false,
  });
});

test("a domain is its only address, and relays replace those of the file", async () => {
  const settings = await readWrangler();
  const change = { domain: "edge.example.com", relays: "weur:2" };
  expect(deployConfig(settings, { ...deployment, ...change })).toMatchObject({
    routes: [{ pattern: "edge.example.com", custom_domain: true }],
    workers_dev: false,
    vars: { TENANT: settings.vars["TENANT"], RELAYS: "weur:2" },
  });
});
