import { expect, test } from "vitest";
import { CODES } from "../shared/errors.ts";
import { RelayClient, relayError } from "./relay-client.ts";

const REGION = "weur";

/** The platform's side of a stub. */
function namespaceOf(fetch: () => Promise<Response>): {
  namespace: DurableObjectNamespace;
  gets: unknown[];
} {
  const gets: unknown[] = [];
  const namespace: DurableObjectNamespace = Object.assign(Object.create(null), {
    idFromName: (name: string) => `id of ${name}`,
    get: (...given: unknown[]) => {
      gets.push(given);
      return { fetch };
    },
  });
  return { namespace, gets };
}

function ask(fetch: () => Promise<Response>): ReturnType<RelayClient["ask"]> {
  const { namespace } = namespaceOf(fetch);
  return new RelayClient(namespace, "relay:v1:default:weur:1:0", REGION).ask(
    { v: 1, kind: "state" },
    50,
  );
}

test("every call names the relay's place, which only the first one needs", async () => {
  const { namespace, gets } = namespaceOf(() => Promise.resolve(new Response("ok")));
  const client = new RelayClient(namespace, "relay:v1:default:weur:1:0", REGION);
  for (let index = 0; index < 2; index += 1) {
    expect((await client.ask({ v: 1, kind: "state" }, 1_000)).ok).toBe(true);
  }
  const get = ["id of relay:v1:default:weur:1:0", { locationHint: REGION }];
  expect(gets).toEqual([get, get]);
});

// What each failure tells the client: the status, and whether sending it again can do harm.
test.each([
  ["is overloaded", Object.assign(new Error("at 10.0.0.1"), { overloaded: true }), 503, true],
  [
    "is overloaded and retryable",
    Object.assign(new Error("at 10.0.0.1"), { overloaded: true, retryable: true }),
    503,
    true,
  ],
  ["was reset", Object.assign(new Error("at 10.0.0.1"), { retryable: true }), 502, false],
  ["threw", new TypeError("at 10.0.0.1"), 502, false],
])("a relay that %s is told apart", async (_name, error, status, retrySafe) => {
  const result = await ask(() => Promise.reject(error));
  if (result.ok) throw new Error("it must fail");
  const { code, retryAfterMs, message } = relayError(result.error, () => 0.5);
  expect(CODES[code]).toMatchObject({ status, retrySafe });
  expect(retryAfterMs).toBe(status === 503 ? 3_000 : undefined);
  // The platform's own text is for the log alone.
  expect(message).not.toContain(error.message);
});

test("a call that was sent nowhere is safe to send again", () => {
  const { code, retryAfterMs } = relayError({ reason: "unreachable" }, Math.random);
  expect(CODES[code]).toMatchObject({ status: 503, retrySafe: true });
  expect(retryAfterMs).toBe(2_000);
});

test("a relay that hangs is given up", async () => {
  const result = await ask(() => new Promise(() => {}));
  if (result.ok) throw new Error("it must fail");
  expect(relayError(result.error, Math.random).code).toBe("core_timeout");
});
