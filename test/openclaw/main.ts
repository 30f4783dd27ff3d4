/**
 * The acceptance run of upstream mode: a real OpenClaw from npm behind a real edge, driven by its
 * own program, its own web page in Chromium, and plain HTTP. Not part of the tests: it downloads
 * 650 MB and takes minutes. Needs Node 24, openssl and Chromium.
 *
 * OPENCLAW_DIR=<folder> uses an installation again.
 */
import { BROWSER_CHECKS } from "./checks-browser.ts";
import { CLI_CHECKS } from "./checks-cli.ts";
import { HTTP_CHECKS } from "./checks-http.ts";
import { createWorld } from "./world.ts";

const only = process.argv[2] ?? "";
process.exitCode = await main();

async function main(): Promise<number> {
  await using parts = new AsyncDisposableStack();
  const world = await createWorld(parts);
  say(`OpenClaw: installed in ${seconds(world.installMs)}, ready in ${seconds(world.startMs)}`);
  let failed = 0;
  for (const check of [...HTTP_CHECKS, ...CLI_CHECKS, ...BROWSER_CHECKS]) {
    if (!check.name.includes(only)) continue;
    const begunAt = performance.now();
    try {
      const seen = await check.run(world);
      say(`ok    ${check.name} (${seconds(performance.now() - begunAt)}): ${seen}`);
    } catch (error) {
      failed += 1;
      say(`FAIL  ${check.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  say(failed === 0 ? "all as promised" : `${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
