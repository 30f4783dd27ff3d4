import { appendFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { createCommandHome } from "../../test/support/command-home.ts";
import { freePort } from "../../test/support/free-port.ts";
import { startGatewayProcess } from "../../test/support/gateway-process.ts";
import { until } from "../../test/support/until.ts";
import { logFileLine } from "../log-line.ts";
import { logs } from "./logs.ts";

const TOKEN = "a-gateway-token-of-some-length";
const Shown = z.object({ type: z.string(), raw: z.string().optional() });

/** A gateway with a log of its own, and a shell beside it. */
async function world() {
  const stateDir = await mkdtemp(join(tmpdir(), "logs-"));
  onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
  const gateway = await startGatewayProcess({
    OPENCLAW_STATE_DIR: stateDir,
    OPENCLAW_GATEWAY_TOKEN: TOKEN,
    OPENCLAW_GATEWAY_PORT: String(await freePort()),
  });
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const home = await createCommandHome();
  onTestFinished(() => home[Symbol.asyncDispose]());
  const flags = ["--url", gateway.url, "--token", TOKEN];
  return {
    gateway,
    run: (args: readonly string[], how = {}) => home.run(logs, [...args, ...flags], how),
    async log(level: string, part: string, count: number) {
      const [name = ""] = await readdir(join(stateDir, "logs"));
      const lines = Array.from({ length: count }, (_none, at) => lineOf(level, part, at));
      await appendFile(join(stateDir, "logs", name), lines.join(""));
    },
  };
}

function lineOf(level: string, part: string, at: number): string {
  const msg = `${level} ${part} ${at}`;
  return logFileLine(JSON.stringify({ level, time: new Date(at).toISOString(), msg, part }));
}

test("the last lines of a level or a part are found however long ago they were", async () => {
  const it = await world();
  await it.log("error", "moon", 6);
  await it.log("info", "sun", 700);
  const errors = await it.run(["--level", "error", "--limit", "3", "--utc"]);
  expect(errors).toMatchObject({ code: 0, err: "" });
  const found = errors.out.split("\n").map((line) => line.replace(/^\S+ /, ""));
  expect(found).toEqual([
    "error moon error moon 3",
    "error moon error moon 4",
    "error moon error moon 5",
  ]);
  expect((await it.run(["--part", "moon"])).out.split("\n")).toHaveLength(6);
  // What was not looked through is said.
  const few = await it.run(["--part", "moon", "--max-bytes", "2000"]);
  expect(few.out).toBe("");
  expect(few.err).toMatch(/^only the last \d+ lines of the log were looked through$/);
});

test("a log is followed across a restart, with each line once", async () => {
  const it = await world();
  const stop = new AbortController();
  const out: string[] = [];
  const err: string[] = [];
  const followed = it.run(["--follow", "--json", "--interval", "100", "--limit", "5000"], {
    stop: stop.signal,
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
  });
  await until(() => out.length > 1);
  await it.log("info", "moon", 3);
  await it.gateway.killAndRestart();
  await until(() => err.includes("the gateway is back"));
  await it.log("info", "sun", 1);
  await until(() => out.some((line) => line.includes("info sun 0")));
  stop.abort();
  expect((await followed).code).toBe(0);
  expect(err[0]).toMatch(/^the gateway at \S+ went away; waiting for it$/);
  const whole = await it.run(["--json", "--limit", "5000"]);
  const shown = out.map(rawIn).filter((raw) => raw !== undefined);
  expect(shown.length).toBeGreaterThan(4);
  expect(
    whole.out
      .split("\n")
      .map(rawIn)
      .slice(1, shown.length + 1),
  ).toEqual(shown);
});

function rawIn(line: string): string | undefined {
  return Shown.parse(JSON.parse(line)).raw;
}

test("where no gateway is, it is said what to do", async () => {
  const home = await createCommandHome();
  onTestFinished(() => home[Symbol.asyncDispose]());
  const port = String(await freePort());
  const { code, err } = await home.run(logs, ["--follow", "--port", port]);
  expect(code).toBe(1);
  expect(err).toContain("nothing listens there; start it (sallyport gateway)");
});
