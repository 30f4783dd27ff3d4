/**
 * The acceptance runs with a real OpenClaw from npm. Not part of the tests: they download 650 MB
 * and take minutes. They need Node 24, openssl and Chromium.
 *
 * `main.ts upstream`: OpenClaw behind a real edge, driven by its own program, its own web page in
 * Chromium, and plain HTTP. `main.ts core`: its own program against a core of ours, directly and
 * through the edge. Without a word: both. A second word picks checks by part of their name.
 *
 * OPENCLAW_DIR=<folder> uses an installation again.
 */
import { runChecks, say, seconds } from "./check.ts";
import { BROWSER_CHECKS } from "./checks-browser.ts";
import { CLI_CHECKS } from "./checks-cli.ts";
import { CORE_CHECKS } from "./checks-core.ts";
import { HTTP_CHECKS } from "./checks-http.ts";
import { createCoreWorld } from "./core-world.ts";
import { createWorld } from "./world.ts";

const [which = "", only = ""] = process.argv.slice(2);
process.exitCode = await main();

async function main(): Promise<number> {
  let failed = 0;
  if (which !== "core") failed += await upstream();
  if (which !== "upstream") failed += await core();
  say(failed === 0 ? "all as promised" : `${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function upstream(): Promise<number> {
  await using parts = new AsyncDisposableStack();
  const world = await createWorld(parts);
  say(`OpenClaw: installed in ${seconds(world.installMs)}, ready in ${seconds(world.startMs)}`);
  return await runChecks(world, [...HTTP_CHECKS, ...CLI_CHECKS, ...BROWSER_CHECKS], only);
}

async function core(): Promise<number> {
  await using parts = new AsyncDisposableStack();
  const world = await createCoreWorld(parts);
  return await runChecks(world, CORE_CHECKS, only);
}
