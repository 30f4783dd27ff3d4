/**
 * `npm start`: installs what is missing, then runs the launcher on a Node that can. Plain
 * JavaScript, because the first start may be on any Node from 20 on.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { isOwnNode } from "./freshness.mjs";
import { ROOT, ensureInstalled, installedNode } from "./install.mjs";

/** Passed on, so that stopping us stops the launcher; a terminal's own Ctrl-C reaches both. */
const FORWARDED = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/** How often we look whether npm is still there. */
const PARENT_POLL_MS = 1_000;

const problem = await ensureInstalled(ROOT);
if (problem !== undefined) {
  process.stderr.write(`sallyport: ${problem}\n`);
  process.exitCode = 1;
} else if (isOwnNode(process.versions.node)) {
  endWithNpm();
  const { main } = await import("./main.ts");
  await main();
} else {
  endWithNpm();
  process.exitCode = await runOnInstalledNode();
}

/** npm cannot pass on `kill -9`, and whoever ended it does not know of us: we see it by our parent. */
function endWithNpm() {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, PARENT_POLL_MS);
  timer.unref();
}

/**
 * @returns {Promise<number>} The launcher's exit code.
 */
function runOnInstalledNode() {
  const launcher = fileURLToPath(new URL("./main.ts", import.meta.url));
  // The fourth stream tells the launcher when we are gone, even by `kill -9`.
  const child = spawn(installedNode(ROOT) ?? "node", [launcher, ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on("error", (error) => {
      process.stderr.write(`sallyport: cannot run the installed Node: ${error.message}\n`);
      resolve(1);
    });
    child.on("exit", (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 1 : constants.signals[signal]));
    });
  });
}
