/** Every method that the published package knows, called on a real gateway, held against its schemas. */
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { faultsOf, faultsOfEvent, schemasOf } from "../contract/gateway-protocol.ts";
import { type Known, NOT_CALLED, type Step, STEPS } from "../contract/gateway-protocol-steps.ts";
import { type FakeModel, reply } from "../support/fake-model.ts";
import { startFakeOpenAi } from "../support/fake-openai.ts";
import { createDevice } from "../support/gateway-device.ts";
import {
  type GatewayProcess,
  type Heard,
  startGatewayProcess,
} from "../support/gateway-process.ts";
import { challengeIn } from "../support/gateway-refusals.ts";
import { connectFrame, openGatewaySocket } from "../support/gateway-socket.ts";
import type { ReferenceClient } from "../support/reference-client.ts";

const KEY = "agent:main:contract";
const Result = z.record(z.string(), z.unknown());

let model: FakeModel;
let gateway: GatewayProcess;
let line: ReferenceClient;
const heard: Heard[] = [];
const results = new Map<string, Readonly<Record<string, unknown>>>();
const requests: string[] = [];

beforeAll(async () => {
  model = await startFakeOpenAi();
  model.always(reply((said) => `You said ${said}`));
  gateway = await startGatewayProcess({
    OPENAI_API_KEY: "sk-test",
    OPENAI_BASE_URL: model.baseUrl,
  });
  line = await gateway.connect(heard);
  for (let index = 0; index < 2; index += 1) requests.push(await askToPair());
});
afterAll(async () => {
  await line[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

/** A page in a browser of this machine that is no interface of ours: it has to wait for a word. */
async function askToPair(): Promise<string> {
  using client = await openGatewaySocket(gateway.url, { headers: { Origin: gateway.url } });
  const { payload } = await client.frame({ event: "connect.challenge" });
  const { params } = connectFrame({ auth: { token: gateway.token } });
  client.send(connectFrame(createDevice().prove(params, challengeIn(payload))));
  const { error } = await client.frame({ type: "res", ok: false });
  return String(Object(Object(error).details).requestId);
}

const known: Known = {
  result: (method) => results.get(method) ?? {},
  key: KEY,
  requests,
};

/** @returns What is wrong with the call, in words. */
async function take({ method, params, expectFinal = false }: Step): Promise<string[]> {
  const { params: wanted, result } = schemasOf(method);
  const given = params(known);
  const wrong = faultsOf(wanted, given).map((fault) => `${method} params: ${fault}`);
  try {
    const payload: unknown = await line.client.request(method, given, { expectFinal });
    results.set(method, Result.catch({}).parse(payload));
    return [...wrong, ...faultsOf(result, payload).map((fault) => `${method} result: ${fault}`)];
  } catch (error) {
    return [...wrong, `${method} failed: ${String(error)} for ${JSON.stringify(given)}`];
  }
}

test("every method that is served and published is called, or says why not", () => {
  const { methods } = line.hello.features;
  const published = methods.filter((method) => {
    const { params, result } = schemasOf(method);
    return params !== undefined || result !== undefined;
  });
  const called = new Set(STEPS.map(({ method }) => method));
  expect(published.filter((one) => !called.has(one) && !NOT_CALLED.has(one))).toEqual([]);
  expect(published.length).toBeGreaterThan(70);
  expect([...NOT_CALLED.keys()].filter((one) => !published.includes(one))).toEqual([]);
});

test("what each of them takes and answers is what the package says", async () => {
  const faults: string[] = [];
  for (const step of STEPS) faults.push(...(await take(step)));
  expect(faults).toEqual([]);
});

test("every event that was heard meanwhile is what the package says", () => {
  const faults = heard.flatMap(({ event, payload }) =>
    faultsOfEvent(event, payload).map((fault) => `${event}: ${fault}`),
  );
  expect([...new Set(faults)]).toEqual([]);
  const names = new Set(heard.map(({ event }) => event));
  const told = ["agent", "chat", "session.message", "sessions.changed", "config.changed", "cron"];
  expect(told.filter((name) => !names.has(name))).toEqual([]);
});
