import { expect, test } from "vitest";
import { GatewayError } from "../../../shared/errors.ts";
import { reloadWorld } from "../../../test/support/reload-world.ts";

const route = (secret: string): object => ({ verify: "github", secret, agent: {} });
const withRoutes = (routes: object, more: object = {}): object => ({
  ...more,
  sallyport: { ingress: { routes } },
});

test("a route that is added takes effect, and the paths that changed are logged", async () => {
  await using it = await reloadWorld({});
  await it.write(withRoutes({ github: route("s") }));
  await it.reloader.look();
  expect(it.running().ingress.routes.map(({ name }) => name)).toEqual(["github"]);
  expect(it.logged()).toEqual([
    {
      level: "info",
      paths: [
        "sallyport.ingress.routes.github.verify",
        "sallyport.ingress.routes.github.secret",
        "sallyport.ingress.routes.github.agent",
      ],
      msg: "config reloaded",
    },
  ]);
});

test("a file that says the same in other words changes nothing", async () => {
  await using it = await reloadWorld(withRoutes({ github: route("s") }));
  await it.write(`// the same\n${JSON.stringify(withRoutes({ github: route("s") }), null, 2)}`);
  await it.reloader.look();
  expect(it.applied()).toBe(0);
  expect(it.logged()).toEqual([]);
});

test.each<[string, object | string, string]>([
  ["that is half written", '{ "sallyport": {', "not JSON5"],
  ["that is empty", "", "not JSON5"],
  [
    "with a typo",
    { sallyport: { ingres: {} } },
    'sallyport.ingres: is not a setting; did you mean "ingress"?',
  ],
  [
    "that breaks a rule",
    withRoutes({ github: { verify: "github", agent: {} } }),
    "routes.github.secret: is needed",
  ],
])("a file %s changes nothing, and what is wrong is logged", async (_name, text, reason) => {
  await using it = await reloadWorld(withRoutes({ github: route("s") }));
  await it.write(text);
  await it.reloader.look();
  expect(it.applied()).toBe(0);
  expect(it.logged()).toEqual([
    {
      level: "warn",
      reason: expect.stringContaining(reason),
      msg: "config is invalid: nothing has changed",
    },
  ]);
  expect(it.reloader.refusal).toEqual({
    file: expect.stringContaining("openclaw.json"),
    reason: expect.stringContaining(reason),
  });
  // Once it is right again it counts from what ran all the time.
  await it.write(withRoutes({ github: route("s"), gitlab: { ...route("t"), verify: "gitlab" } }));
  await it.reloader.look();
  expect(it.running().ingress.routes.map(({ name }) => name)).toEqual(["github", "gitlab"]);
  expect(it.reloader.refusal).toBeUndefined();
});

test("a file that is gone changes nothing", async () => {
  await using it = await reloadWorld(withRoutes({ github: route("s") }));
  await it.remove();
  await it.reloader.look();
  expect(it.running().ingress.routes).toHaveLength(1);
  expect(it.logged()).toMatchObject([{ msg: "config file is gone: nothing has changed" }]);
});

test("a first file decides about webhooks, which are on without one", async () => {
  await using it = await reloadWorld(undefined);
  expect(it.running().ingress.routes.map(({ name }) => name)).toEqual(["agent", "wake"]);
  await it.write({});
  await it.reloader.look();
  expect(it.running().hooks).toBeUndefined();
  expect(it.running().ingress.routes).toEqual([]);
  const warning = {
    level: "warn",
    msg: expect.stringContaining("set hooks.enabled and hooks.token"),
  };
  expect(it.logged()).toContainEqual(warning);
  await it.write({ logging: { level: "warn" } });
  await it.reloader.look();
  expect(it.logged()).not.toContainEqual(warning);
});

test("what needs a restart gets one, and the rest comes with it", async () => {
  await using it = await reloadWorld({});
  const config = { gateway: { port: 1 }, logging: { level: "debug" } };
  await it.write(config);
  await it.reloader.look();
  expect(it.restarted()).toBe(1);
  expect(it.applied()).toBe(0);
  expect(it.running().gateway.port).toBe(1);
  expect(it.running().logLevel).toBe("debug");
  expect(it.logged().at(-1)).toEqual({
    level: "info",
    paths: ["logging.level", "gateway.port"],
    msg: "config reloaded",
  });
});

test("a restart that fails leaves what ran, and says why", async () => {
  await using it = await reloadWorld({});
  it.refuse(new GatewayError("conflict", "port 1 on 127.0.0.1 is in use"));
  await it.write({ gateway: { port: 1 } });
  await it.reloader.look();
  expect(it.running().gateway.port).toBe(18_789);
  expect(it.logged()).toEqual([
    {
      level: "warn",
      reason: "port 1 on 127.0.0.1 is in use",
      msg: "config is refused: nothing has changed",
    },
  ]);
});

test("where there is no restart, what needs one is named, and the rest is done", async () => {
  await using it = await reloadWorld({}, false);
  await it.write({ gateway: { port: 1 }, logging: { level: "debug" } });
  await it.reloader.look();
  expect(it.applied()).toBe(1);
  expect(it.running().logLevel).toBe("debug");
  expect(it.logged().at(-1)).toEqual({
    level: "warn",
    paths: ["gateway.port"],
    msg: "config change takes effect after a restart",
  });
});

test("what only a new process can do is named, and nothing is restarted for it", async () => {
  await using it = await reloadWorld({});
  await it.write({ sallyport: { core: { mode: "standby" } } });
  await it.reloader.look();
  expect(it.restarted()).toBe(0);
  expect(it.logged().at(-1)).toMatchObject({
    paths: ["sallyport.core.mode"],
    msg: "config change takes effect after a restart",
  });
});

test("a variable is read anew, and its value is not logged", async () => {
  await using it = await reloadWorld(undefined);
  await it.writeVariables("HOOK_SECRET=hunter2-one");
  await it.write(withRoutes({ github: route("${HOOK_SECRET}") }));
  await it.reloader.look();
  await it.writeVariables("HOOK_SECRET=hunter2-two");
  await it.reloader.look();
  expect(await it.running().ingress.routes[0]?.verification()).toEqual({
    scheme: "github",
    secrets: ["hunter2-two"],
  });
  expect(JSON.stringify(it.logged())).not.toContain("hunter2");
});

test("settings that the edge would not take change nothing", async () => {
  await using it = await reloadWorld({});
  it.refuse(new GatewayError("too_large", "What the edge must know has 2 bytes and may have 1"));
  await it.write(withRoutes({ github: route("s") }));
  await it.reloader.look();
  expect(it.running().ingress.routes).toEqual([]);
  expect(it.logged()).toEqual([
    {
      level: "warn",
      reason: "What the edge must know has 2 bytes and may have 1",
      msg: "config is refused: nothing has changed",
    },
  ]);
  // It is looked at anew as soon as the file changes.
  it.refuse(undefined);
  await it.write(withRoutes({ github: route("t") }));
  await it.reloader.look();
  expect(it.running().ingress.routes).toHaveLength(1);
});

test("a fault of ours is logged and ends nothing", async () => {
  await using it = await reloadWorld({});
  it.refuse(new RangeError("a bug"));
  await it.write(withRoutes({ github: route("s") }));
  await it.reloader.look();
  expect(it.logged()).toMatchObject([{ level: "error" }]);
  it.refuse(undefined);
  await it.reloader.look();
  expect(it.running().ingress.routes).toHaveLength(1);
});

test("reload that is off follows nothing", async () => {
  await using it = await reloadWorld({ gateway: { reload: { mode: "off" } } });
  await it.write(withRoutes({ github: route("s") }));
  await it.reloader.look();
  expect(it.running().ingress.routes).toEqual([]);
});

test("changes that come while one is dealt with are dealt with, too", async () => {
  await using it = await reloadWorld({});
  await it.write(withRoutes({ one: route("s") }));
  const first = it.reloader.look();
  await it.write(withRoutes({ two: route("s") }));
  await Promise.all([first, it.reloader.look()]);
  expect(it.running().ingress.routes.map(({ name }) => name)).toEqual(["two"]);
});

test("whoever ends the following waits for what it was about to do, and nothing comes after", async () => {
  await using it = await reloadWorld({});
  await it.write({ logging: { level: "debug" } });
  const looking = it.reloader.look();
  await it.reloader.end();
  const applied = it.applied();
  await it.write({ logging: { level: "warn" } });
  await it.reloader.look();
  await looking;
  expect(it.applied()).toBe(applied);
});
