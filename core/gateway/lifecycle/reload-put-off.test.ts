import { expect, test } from "vitest";
import { reloadWorld } from "../../../test/support/reload-world.ts";
import { configErrorText } from "../../config/issues/error.ts";

const route = (secret: string): object => ({ verify: "github", secret, agent: {} });
const withRoutes = (routes: object, more: object = {}): object => ({
  ...more,
  sallyport: { ingress: { routes } },
});

test("while a restart waits, what needs none takes effect, and nothing else", async () => {
  await using it = await reloadWorld({ gateway: { port: 18_000 } });
  it.putOff(true);
  const routes = { github: route("s") };
  const gateway = { port: 18_001, auth: { rateLimit: { maxAttempts: 3 } } };
  await it.write({ ...withRoutes(routes), gateway });
  await it.reloader.look();
  expect(it.running().ingress.routes.map(({ name }) => name)).toEqual(["github"]);
  expect(it.running().config.gateway.auth.rateLimit.maxAttempts).toBe(3);
  expect(it.running().gateway.port).toBe(18_000);
  it.putOff(false);
  await it.reloader.look();
  expect([it.restarted(), it.running().gateway.port]).toEqual([1, 18_001]);
});

test("a change that is taken back before its restart needs none any more", async () => {
  await using it = await reloadWorld({ gateway: { port: 18_000 } });
  it.putOff(true);
  await it.write({ gateway: { port: 18_001 } });
  await it.reloader.look();
  expect(it.unneeded()).toBe(0);
  await it.write({ gateway: { port: 18_000 } });
  await it.reloader.look();
  expect(it.unneeded()).toBe(1);
});

test("a restart that waits is not begun for a config that is broken by then", async () => {
  await using it = await reloadWorld({ gateway: { port: 18_000 } });
  it.putOff(true);
  await it.write({ gateway: { port: 18_001 } });
  await it.reloader.look();
  await it.write({ gateway: { port: "none" } });
  await it.reloader.look();
  expect(it.unneeded()).toBe(1);
  it.putOff(false);
  await it.write({ gateway: { port: 18_001 } });
  await it.reloader.look();
  expect([it.restarted(), it.running().gateway.port]).toEqual([1, 18_001]);
});

test("what a restart was begun with is what the next change is measured by", async () => {
  await using it = await reloadWorld({ gateway: { port: 18_000 } });
  it.putOff(true);
  await it.write({ gateway: { port: 18_001 } });
  await it.reloader.look();
  it.putOff(false);
  const loaded = await it.load();
  if (!loaded.ok) throw new Error(configErrorText(loaded.error));
  it.reloader.took(loaded.value);
  await it.reloader.look();
  expect(it.restarted()).toBe(0);
  expect(it.logged()).toContainEqual({
    level: "info",
    paths: ["gateway.port"],
    msg: "config reloaded",
  });
});
