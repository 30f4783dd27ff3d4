import { expect, test } from "vitest";
import { lazyMethods } from "./lazy.ts";
import type { CallContext, Method, NamedMethod } from "./method.ts";

const SCOPES = { "a.look": "operator.read", "a.do": "operator.admin" } as const;

const CONTEXT: CallContext = {
  client: {
    connection: "c",
    via: "local",
    ip: "127.0.0.1",
    role: "operator",
    scopes: [],
    clientId: "cli",
    mode: "cli",
    version: "1",
    platform: "linux",
    displayName: undefined,
    instanceId: undefined,
    deviceFamily: undefined,
    deviceId: undefined,
  },
  signal: AbortSignal.abort(),
  patience: AbortSignal.abort(),
  askedAt: 0,
  accept: () => undefined,
  subscribe: () => undefined,
  unsubscribe: () => undefined,
};

const echo = (name: string): NamedMethod => [
  name,
  { scope: "any", call: (params, { client }) => [name, params, client.clientId] },
];

function methodsOf(brought: readonly NamedMethod[]): {
  readonly methods: ReadonlyMap<string, Method>;
  readonly loads: () => number;
} {
  let loads = 0;
  const methods = lazyMethods(SCOPES, async () => {
    loads += 1;
    return brought;
  });
  return { methods: new Map(methods), loads: () => loads };
}

test("names and scopes are known before anything is loaded", () => {
  const { methods, loads } = methodsOf([]);
  expect([...methods].map(([name, { scope }]) => [name, scope])).toEqual(Object.entries(SCOPES));
  expect(loads()).toBe(0);
});

test("two calls at once load once, and each reaches its own method with params and caller", async () => {
  const { methods, loads } = methodsOf([echo("a.do"), echo("a.look")]);
  const answers = [
    methods.get("a.look")?.call({ x: 1 }, CONTEXT),
    methods.get("a.do")?.call({ y: 2 }, CONTEXT),
  ];
  expect(await Promise.all(answers)).toEqual([
    ["a.look", { x: 1 }, "cli"],
    ["a.do", { y: 2 }, "cli"],
  ]);
  expect(loads()).toBe(1);
});

test("a refusal of the method is the refusal of the call", async () => {
  const refused = new RangeError("no");
  const { methods } = methodsOf([["a.do", { scope: "any", call: () => Promise.reject(refused) }]]);
  await expect(methods.get("a.do")?.call({}, CONTEXT)).rejects.toBe(refused);
});

test("a method that is named and was not brought is no silent success", async () => {
  const { methods } = methodsOf([echo("a.do")]);
  await expect(methods.get("a.look")?.call({}, CONTEXT)).rejects.toThrow(/a\.look/);
});
