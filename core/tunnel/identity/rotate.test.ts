import { expect, onTestFinished, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { type FakeEdge, startFakeEdge } from "../../../test/support/fake-edge.ts";
import { connectCore, type TunnelCore } from "../../../test/support/tunnel-core.ts";
import { until } from "../../../test/support/until.ts";

async function start(relays: readonly string[]): Promise<{ edge: FakeEdge; core: TunnelCore }> {
  const edge = await startFakeEdge({ relays });
  onTestFinished(() => edge[Symbol.asyncDispose]());
  const pairing = new Secret("unused");
  const settings = { pairing: undefined };
  const core = await connectCore({ edge: edge.url, pairing, settings });
  onTestFinished(() => core[Symbol.asyncDispose]());
  await until(
    () =>
      core.tunnel.relays.length === relays.length &&
      core.tunnel.relays.every(({ connected }) => connected),
  );
  return { edge, core };
}

/** What relays were asked about keys. */
function keyRequests({ asked }: FakeEdge): string[] {
  const keys = asked.filter(({ path }) => path.startsWith("/keys"));
  return keys.map(({ method, path }) => `${method} ${path}`);
}

test("a new key is known to each relay before it is used, and the old one forgotten after", async () => {
  const { edge, core } = await start(["weur:1", "enam:1"]);
  const before = core.tunnel.key;
  const { old, current } = await core.tunnel.rotateKey();
  const after = core.tunnel.key;
  expect([old, current]).toEqual([before.kid, after.kid]);
  expect(after.publicKey).not.toBe(before.publicKey);
  expect(keyRequests(edge)).toEqual([
    "PUT /keys",
    "PUT /keys",
    `DELETE /keys/${old}`,
    `DELETE /keys/${old}`,
  ]);
  const [told] = edge.asked.filter(({ path }) => path === "/keys");
  expect(JSON.parse(told?.body ?? "")).toEqual({ publicKey: after.publicKey });
  const kids = edge.links.map(({ headers }) => /kid=(\w+)/.exec(headers.authorization ?? "")?.[1]);
  expect(kids).toEqual([old, old, current, current]);
});

test("a key that one relay does not take is not used", async () => {
  const { edge, core } = await start(["weur:1"]);
  edge.onAsked = ({ path }) =>
    path === "/keys"
      ? { status: 409, body: JSON.stringify({ detail: "there are two keys already" }) }
      : { status: 204 };
  const { kid } = core.tunnel.key;
  await expect(core.tunnel.rotateKey()).rejects.toThrow("there are two keys already");
  expect(core.tunnel.key.kid).toBe(kid);
});

test("what a rotation left undone is done by the next one, without a third key", async () => {
  const { edge, core } = await start(["weur:1"]);
  edge.onAsked = ({ method }) => ({ status: method === "DELETE" ? 500 : 204 });
  await expect(core.tunnel.rotateKey()).rejects.toThrow("does not forget the old key");
  const { kid } = core.tunnel.key;
  edge.onAsked = () => ({ status: 204 });
  const { old, current } = await core.tunnel.rotateKey();
  expect(current).toBe(kid);
  expect(keyRequests(edge)).toEqual(["PUT /keys", `DELETE /keys/${old}`, `DELETE /keys/${old}`]);
  expect((await core.tunnel.rotateKey()).old).toBe(kid);
});

test("an old key that was shut out by hand does not stand in for a rotation", async () => {
  const { edge, core } = await start(["weur:1"]);
  edge.onAsked = ({ method }) => ({ status: method === "DELETE" ? 500 : 204 });
  await expect(core.tunnel.rotateKey()).rejects.toThrow("does not forget the old key");
  const { kid } = core.tunnel.key;
  edge.onAsked = ({ method, path }) => ({
    status: method === "DELETE" && !path.endsWith(kid) ? 404 : 204,
  });
  const { old, current } = await core.tunnel.rotateKey();
  expect(old).toBe(kid);
  expect(current).not.toBe(kid);
});

test("no key is changed while a relay is away", async () => {
  const { edge, core } = await start(["weur:1", "enam:1"]);
  edge.refuse = () => ({ status: 503 });
  (await edge.linkTo("enam:1")).socket.terminate();
  await until(() => !core.tunnel.relays.every(({ connected }) => connected));
  await expect(core.tunnel.rotateKey()).rejects.toThrow("Relay enam:1 is not connected");
  expect(keyRequests(edge)).toEqual([]);
});
