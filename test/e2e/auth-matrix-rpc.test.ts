/** Every method with every set of scopes, over a real WebSocket, at the core and through the edge. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { covers } from "../../core/methods/method.ts";
import type { Door } from "../support/access-rules.ts";
import { connectFrame, type GatewaySocket, openGatewaySocket } from "../support/gateway-socket.ts";
import { challengeIn } from "../support/gateway-refusals.ts";
import { type MatrixWorld, type PairedDevice, startMatrixWorld } from "../support/matrix-world.ts";
import { FOR_EVERYBODY, PUBLISHED_SCOPES } from "../support/published-scopes.ts";
import { eventually } from "../support/until.ts";

const DOORS: readonly Door[] = ["the core's own port", "the edge"];
const SETS: readonly (readonly string[])[] = [
  [],
  ["operator.read"],
  ["operator.write"],
  ["operator.admin"],
  ["operator.approvals"],
  ["operator.pairing"],
  ["operator.questions"],
  ["operator.read", "operator.approvals", "operator.pairing"],
];
/** No method has it, so that none is carried out. */
const UNFIT = { "no such parameter": true } as const;

let world: MatrixWorld;
const devices = new Map<string, PairedDevice>();

beforeAll(async () => {
  world = await startMatrixWorld();
  for (const scopes of SETS) devices.set(scopes.join(), await world.pair(scopes));
  // The edge has heard of the last one.
  await eventually(async () => {
    for (const paired of devices.values()) (await enter("the edge", paired))[Symbol.dispose]();
  });
});
afterAll(() => world[Symbol.asyncDispose]());

interface Entered extends Disposable {
  readonly client: GatewaySocket;
  readonly methods: readonly string[];
}

/** A client that shows its own device token and nothing else. */
async function enter(door: Door, { device, token, scopes }: PairedDevice): Promise<Entered> {
  const client = await openGatewaySocket(world.url(door));
  const { payload } = await client.frame({ event: "connect.challenge" });
  const { params } = connectFrame({ auth: { deviceToken: token }, scopes });
  client.send(connectFrame(device.prove(params, challengeIn(payload))));
  const hello = await client.frame({ type: "res", id: "1" });
  expect(hello, JSON.stringify(hello)).toMatchObject({ ok: true, payload: { auth: { scopes } } });
  const { methods } = Object(Object(hello["payload"]).features);
  return { client, methods, [Symbol.dispose]: () => client[Symbol.dispose]() };
}

function deviceWith(scopes: readonly string[]): PairedDevice {
  const paired = devices.get(scopes.join());
  if (paired === undefined) throw new Error("no such device");
  return paired;
}

interface Refusal {
  readonly code: string;
  readonly details?: { readonly code?: string; readonly missingScope?: string };
}

/** What is not as published, in words. @param refusal - Undefined: the method was carried out. */
function surpriseOf(
  method: string,
  scopes: readonly string[],
  refusal: Refusal | undefined,
): string | undefined {
  const needed = PUBLISHED_SCOPES.get(method);
  const seen = outcomeOf(refusal);
  const isOpen = needed === undefined || covers(scopes, needed);
  // Nothing that changes anything is carried out, and what is refused says what would be enough.
  const carriedOut = needed === "operator.read" ? ["done"] : [];
  const told = isOpen ? ["INVALID_REQUEST", ...carriedOut] : [`MISSING_SCOPE ${needed}`];
  return told.includes(seen) ? undefined : `${method}: ${seen} where it is ${told.join(" or ")}`;
}

function outcomeOf(refusal: Refusal | undefined): string {
  if (refusal === undefined) return "done";
  const { code, details = {} } = refusal;
  return code === "FORBIDDEN" ? `${details.code} ${details.missingScope}` : code;
}

for (const door of DOORS) {
  test.each(SETS.map((scopes) => ({ scopes })))(
    `at ${door} the scopes $scopes open the methods that they are for, and no others`,
    async ({ scopes }) => {
      using entered = await enter(door, deviceWith(scopes));
      const { client, methods } = entered;
      expect(methods.length).toBeGreaterThan(50);
      const surprises: (string | undefined)[] = [];
      for (const method of methods) {
        client.send({ type: "req", id: method, method, params: UNFIT });
        const { ok, error } = await client.frame({ type: "res", id: method });
        surprises.push(surpriseOf(method, scopes, ok === true ? undefined : Object(error)));
      }
      expect(surprises.filter((one) => one !== undefined)).toEqual([]);
    },
  );
}

test("every method says who may call it, and only what gives nothing away is for everybody", async () => {
  using entered = await enter("the core's own port", deviceWith(["operator.admin"]));
  const { methods } = entered;
  const open = methods.filter((method) => !PUBLISHED_SCOPES.has(method));
  expect(open.toSorted()).toEqual([...FOR_EVERYBODY.keys()].toSorted());
  const gone = [...PUBLISHED_SCOPES.keys()].filter((method) => !methods.includes(method));
  expect(gone).toEqual([]);
});

test("a client may not ask for more scopes than its device has, at either door", async () => {
  const reader = deviceWith(["operator.read"]);
  for (const door of DOORS) {
    using client = await openGatewaySocket(world.url(door));
    const { payload } = await client.frame({ event: "connect.challenge" });
    const { params } = connectFrame({
      auth: { deviceToken: reader.token },
      scopes: ["operator.admin"],
    });
    client.send(connectFrame(reader.device.prove(params, challengeIn(payload))));
    expect(await client.frame({ type: "res" }), door).toMatchObject({
      ok: false,
      error: { details: { code: "AUTH_SCOPE_MISMATCH" } },
    });
  }
});
