import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { createCommandHome } from "../../../test/support/command-home.ts";
import { restartWorld } from "../../../test/support/restart-world.ts";
import { slowModel } from "../../../test/support/slow-model.ts";
import { wordsOf } from "../completion/words.ts";
import { gateway } from "../gateway.ts";
import { status } from "../status.ts";

const TOKEN = "a-gateway-token-of-some-length";
const Suspended = z.object({ ok: z.boolean(), status: z.string(), suspensionId: z.string() });

/** A gateway, and a shell beside it. */
async function world() {
  const model = await slowModel();
  onTestFinished(() => model[Symbol.asyncDispose]());
  const it = await restartWorld({ gateway: { port: 0 }, ...model.config });
  onTestFinished(() => it[Symbol.asyncDispose]());
  const home = await createCommandHome({ OPENCLAW_GATEWAY_TOKEN: TOKEN });
  onTestFinished(() => home[Symbol.asyncDispose]());
  await mkdir(home.stateDir, { mode: 0o700 });
  const port = Number(new URL(it.gateway.url).port);
  await writeFile(join(home.stateDir, "openclaw.json"), JSON.stringify({ gateway: { port } }));
  return {
    ...it,
    model,
    status: () => home.run(status, []),
    run: (...args: readonly string[]) => home.run(gateway, args),
    stopped: (stop: AbortSignal, ...args: readonly string[]) => home.run(gateway, args, { stop }),
  };
}

test("a gateway is suspended, says so, and takes work again when it is told to", async () => {
  const it = await world();
  expect((await it.run("status")).out).not.toContain("suspended");
  const suspended = await it.run("suspend");
  expect(suspended).toMatchObject({ code: 0, err: "" });
  expect(suspended.out).toMatch(
    /^suspended until 20.*Z \([0-9a-f-]{36}\); sallyport gateway resume/,
  );
  expect((await it.turn("hi")).status).toBe(503);
  const line = "suspended: takes no work until sallyport gateway resume";
  expect((await it.run("status")).out).toContain(line);
  expect((await it.status()).out).toContain(line);
  expect(JSON.parse((await it.run("status", "--json")).out)).toMatchObject({
    rpc: { ok: true, suspension: "prepared" },
  });
  expect(await it.run("resume")).toEqual({ code: 0, out: "takes work again", err: "" });
  expect((await it.turn("hi")).status).toBe(200);
  expect(await it.run("resume")).toEqual({ code: 0, out: "it was not suspended", err: "" });
  expect((await it.turn("hi")).status).toBe(200);
});

test("programs are told its id, the same each time, and end it by that", async () => {
  const it = await world();
  const first = Suspended.parse(JSON.parse((await it.run("suspend", "--json")).out));
  expect(first).toMatchObject({ ok: true, status: "ready" });
  const second = Suspended.parse(JSON.parse((await it.run("suspend", "--json")).out));
  expect(second.suspensionId).toBe(first.suspensionId);
  const wrong = await it.run("resume", "another", "--json");
  expect(wrong.code).toBe(1);
  expect(JSON.parse(wrong.out)).toMatchObject({
    ok: false,
    error: { type: "gateway_request_error" },
  });
  const resumed = await it.run("resume", first.suspensionId, "--json");
  expect(resumed.code).toBe(0);
  expect(JSON.parse(resumed.out)).toEqual({ ok: true, status: "running", resumed: true });
});

test("work that is under way is not cut off: it is refused, or waited for", async () => {
  const it = await world();
  const slow = it.turn("slow");
  await it.model.asked();
  const busy = await it.run("suspend");
  expect(busy).toMatchObject({ code: 1, out: "" });
  expect(busy.err).toMatch(/^sallyport: not suspended: 1 .*; --drain/);
  const late = await it.run("suspend", "--drain", "--wait", "0", "--json");
  expect(late.code).toBe(1);
  expect(JSON.parse(late.out)).toMatchObject({ ok: false, status: "draining" });
  expect((await it.run("status")).out).toContain("suspended: takes no new work, and ends what");
  const waiting = it.run("suspend", "--drain");
  it.model.answer();
  expect(await waiting).toMatchObject({ code: 0, out: expect.stringMatching(/^suspended until/) });
  expect((await slow).status).toBe(200);
});

test("whoever is told to stop waits no longer", async () => {
  const it = await world();
  const slow = it.turn("slow");
  await it.model.asked();
  const stop = new AbortController();
  const waiting = it.stopped(stop.signal, "suspend", "--drain");
  await expect.poll(async () => (await it.run("status")).out).toContain("suspended");
  stop.abort();
  expect((await waiting).code).toBe(1);
  it.model.answer();
  await slow;
});

test("what somebody else has suspended is neither taken over nor ended by accident", async () => {
  const it = await world();
  expect((await it.run("suspend", "--request-id", "theirs")).code).toBe(0);
  const suspend = await it.run("suspend");
  expect(suspend).toMatchObject({ code: 1, err: expect.stringContaining("somebody else") });
  const resume = await it.run("resume");
  expect(resume).toMatchObject({ code: 1, err: expect.stringContaining("name its id") });
  expect((await it.turn("hi")).status).toBe(503);
  expect((await it.run("resume", "--request-id", "theirs")).out).toBe("takes work again");
});

test.each([
  [["suspend", "--wait", "soon"], "--wait must be"],
  [["suspend", "now"], "flags alone"],
  [["resume", "a", "b"], "one id, or none"],
  [["resume", "--drain"], "--drain"],
  [["suspend", "--port", "1"], "nothing listens there"],
])("%j fails and says why", async (args, why) => {
  const home = await createCommandHome({ OPENCLAW_GATEWAY_TOKEN: TOKEN });
  onTestFinished(() => home[Symbol.asyncDispose]());
  expect(await home.run(gateway, args)).toMatchObject({
    code: 1,
    err: expect.stringContaining(why),
  });
});

test("shells complete both, and their flags", () => {
  const { actions } = wordsOf("gateway", gateway);
  expect(actions.get("suspend")).toEqual(expect.arrayContaining(["--drain", "--wait", "--json"]));
  expect(actions.get("resume")).toEqual(expect.arrayContaining(["--request-id", "--json"]));
});
