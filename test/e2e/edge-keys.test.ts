import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { createTunnelKey } from "../../shared/tunnel/handshake.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { type Run, runProgram } from "../support/run-program.ts";

let edge: RunningEdge;
let home: CoreHome;
let core: CoreProcess;

beforeAll(async () => {
  const pairing = randomToken();
  edge = await startEdge({ bindings: { PAIRING_SECRET: pairing } });
  home = await createHome(edge, pairing);
  core = await startCore(home, edge);
});

afterAll(async () => {
  await core.stop();
  await home[Symbol.asyncDispose]();
  await edge[Symbol.asyncDispose]();
});

/** The program as a person runs it beside the gateway. */
function run(...args: string[]): Promise<Run> {
  const port = new URL(core.url).port;
  return runProgram([...args, "--port", port], { cwd: home.dir, env: home.env });
}

const Keys = z.object({
  keys: z.array(z.object({ kid: z.string(), self: z.boolean(), relays: z.array(z.string()) })),
  unreachable: z.array(z.string()),
});

async function keys(): Promise<z.output<typeof Keys>> {
  const { code, out, err } = await run("edge", "keys", "list", "--json");
  expect([code, err]).toEqual([0, ""]);
  return Keys.parse(JSON.parse(out));
}

test("the status names the relay, and what it says of itself", async () => {
  const human = await run("tunnel", "status");
  expect(human.code).toBe(0);
  expect(human.out).toMatch(/^core: leader, epoch 1$/m);
  expect(human.out).toMatch(/^weur:1: connected for \d+ s, .*sends its work here$/m);
  expect(human.out).toMatch(/^ {2}0 sockets, 0 webhooks waiting, cores: .{8} leader, leads$/m);
  const { code, out } = await run("tunnel", "status", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    configured: true,
    connected: true,
    lease: { epoch: 1 },
    relays: [{ name: "weur:1", leads: true, report: { spooled: 0, wakes: expect.any(Object) } }],
  });
});

test("a key is added, shut out, and both are told to whoever asks", async () => {
  const { key } = await createTunnelKey();
  const before = await keys();
  expect(before).toMatchObject({ keys: [{ self: true, relays: ["weur:1"] }], unreachable: [] });
  const added = await run("edge", "keys", "add", key.publicKey);
  expect(added).toMatchObject({ code: 0, out: `may dial in now: ${key.publicKey} (weur:1)\n` });
  expect((await keys()).keys.map(({ kid }) => kid)).toContain(key.kid);

  const human = await run("edge", "keys", "list");
  expect(human.out).toMatch(/this core$/m);
  const revoked = await run("edge", "keys", "revoke", key.kid);
  expect(revoked).toMatchObject({ code: 0, out: `is shut out now: ${key.kid} (weur:1)\n` });
  expect(await keys()).toEqual(before);
  const again = await run("edge", "keys", "revoke", key.kid);
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining("No relay knows that key") });
});

test("a core gets a new key without a request that fails", async () => {
  const [old] = (await keys()).keys;
  const rotated = await run("edge", "keys", "rotate", "--json");
  expect(rotated).toMatchObject({ code: 0, err: "" });
  const { current } = z.object({ current: z.string() }).parse(JSON.parse(rotated.out));
  expect(current).not.toBe(old?.kid);
  expect((await keys()).keys).toMatchObject([{ kid: current, self: true }]);
  const response = await fetch(new URL("/v1/models", edge.url), {
    headers: { Authorization: `Bearer ${home.token}` },
  });
  expect(response.status).toBe(200);
});

test("a core does not shut itself out", async () => {
  const [own] = (await keys()).keys;
  const refused = await run("edge", "keys", "revoke", own?.kid ?? "");
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("rotate it instead") });
});

test.each([
  ["nothing to do", []],
  ["a key that is missing", ["add"]],
  ["one word too many", ["rotate", "now"]],
])("%s is a usage line", async (_name, args) => {
  const { code, err } = await run("edge", "keys", ...args);
  expect([code, err]).toEqual([1, expect.stringContaining("usage: sallyport edge keys")]);
});

test("metrics count the tunnel", async () => {
  const response = await fetch(`${core.url}/metrics`, {
    headers: { Authorization: `Bearer ${home.token}` },
  });
  const body = await response.text();
  expect(body).toMatch(/^gwt_connected\{relay="weur:1"\} 1$/m);
  expect(body).toMatch(/^gwt_stream_duration_seconds_count [1-9]/m);
  expect(body).toMatch(/^gwt_relay_awake_seconds_total\{relay="weur:1"\} /m);
});
