/**
 * Installs what is missing, and only then. Runs before `npm start`, `npm test` and
 * `npm run check`, on any Node from 20 on; plain JavaScript because nothing is installed yet.
 */
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimes,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  MIN_NODE_MAJOR,
  installFailure,
  isOwnNode,
  parseVersion,
  staleReason,
} from "./freshness.mjs";

/** How often a second command looks whether the first has finished installing. */
const LOCK_POLL_MS = 250;

/** How often the installing command says that it is alive, and … */
const LOCK_TOUCH_MS = 1_000;

/** … how long after the last sign it is given up: ten were missed. */
const LOCK_DEAD_MS = 10_000;

/** How often the elapsed time is drawn anew on a terminal. */
const PROGRESS_MS = 1_000;

/** Of npm's complaints only the end is kept: enough for the summary, never without bound. */
const MAX_OUTPUT_CHARS = 16_384;

/** The checkout this file is in. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * The Node that came with the packages; undefined when its install script did not run.
 *
 * @param {string} root
 */
export function installedNode(root) {
  const path = join(
    root,
    "node_modules",
    ".bin",
    process.platform === "win32" ? "node.cmd" : "node",
  );
  return existsSync(path) ? path : undefined;
}

/**
 * Makes sure that `root` has the packages of its lockfile. Several calls at once, in several
 * processes, install once.
 *
 * @param {string} root
 * @returns {Promise<string | undefined>} What went wrong, in one line; undefined when all is well.
 */
export async function ensureInstalled(root) {
  const { major } = parseVersion(process.versions.node);
  if (major < MIN_NODE_MAJOR) {
    return `Node ${process.versions.node} is too old: install Node ${MIN_NODE_MAJOR} or newer (https://nodejs.org), then run the same command again`;
  }
  const before = staleness(root);
  if (before !== undefined) {
    const problem = await withLock(join(root, ".build", "install.lock"), () => install(root));
    if (problem !== undefined) return problem;
  }
  if (installedNode(root) === undefined && !isOwnNode(process.versions.node)) {
    return "npm did not install Node 24 because its `ignore-scripts` is on: run `npm rebuild node --ignore-scripts=false`, or use Node 24.12 or newer";
  }
  return undefined;
}

/** @param {string} root */
function staleness(root) {
  const hidden = join(root, "node_modules", ".package-lock.json");
  return staleReason(
    readFileSync(join(root, "package-lock.json"), "utf8"),
    existsSync(hidden) ? readFileSync(hidden, "utf8") : undefined,
  );
}

/**
 * @param {string} root
 * @returns {Promise<string | undefined>}
 */
async function install(root) {
  // Whoever held the lock before us may have done it.
  if (staleness(root) === undefined) return undefined;
  const first = !existsSync(join(root, "node_modules"));
  const stop = showProgress(first ? "Installing packages (first start only)" : "Updating packages");
  const { code, output } = await runNpm(root);
  const problem = code === 0 ? undefined : installFailure(output, code);
  stop(problem === undefined);
  return problem;
}

/**
 * @param {string} root
 * @returns {Promise<{ code: number | null, output: string }>}
 */
async function runNpm(root) {
  const args = [
    "ci",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    // Both are needed whatever NODE_ENV or the user's settings say: the local edge is a
    // development dependency, and its runtime comes as an optional package per platform.
    "--include=dev",
    "--include=optional",
    // npm's own pauses (10 s, then 60 s) would keep an offline user waiting for over a minute.
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=8000",
  ];
  // The npm that runs us, when one does: there may be several, or none on the PATH.
  const npm = process.env["npm_execpath"];
  const own = npm !== undefined && /\bnpm-cli\.c?js$/.test(npm);
  const child = own
    ? spawn(process.execPath, [npm, ...args], { cwd: root, stdio: ["ignore", "ignore", "pipe"] })
    : spawn("npm", args, {
        cwd: root,
        stdio: ["ignore", "ignore", "pipe"],
        shell: process.platform === "win32",
      });
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    output = (output + text).slice(-MAX_OUTPUT_CHARS);
  });
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: null, output: error.message }));
    child.on("close", (code) => resolve({ code, output }));
  });
}

/**
 * Says what is going on, on stderr: stdout belongs to the program.
 *
 * @param {string} what
 * @returns {(done: boolean) => void}
 */
function showProgress(what) {
  const { stderr } = process;
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  if (!stderr.isTTY) {
    stderr.write(`${what} …\n`);
    return (done) => {
      if (done) stderr.write(`Installed in ${seconds()} s\n`);
    };
  }
  const draw = () => stderr.write(`\r\u001b[K${what} … ${seconds()} s`);
  draw();
  const timer = setInterval(draw, PROGRESS_MS);
  return (done) => {
    clearInterval(timer);
    stderr.write(done ? `\r\u001b[KInstalled in ${seconds()} s\n` : "\r\u001b[K");
  };
}

/**
 * Runs `work` while holding the lock file. The holder keeps touching it, so a lock left by a killed
 * command is known by its age: process ids are of no use across containers and reboots.
 *
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function withLock(path, work) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  while (!tryLock(path)) {
    if (!told) process.stderr.write("Waiting for another command to finish installing …\n");
    told = true;
    await delay(LOCK_POLL_MS);
  }
  const heartbeat = setInterval(() => {
    // Gone only if another command took us for dead (a laptop that slept): npm sorts that out.
    utimes(path, new Date(), new Date(), () => {});
  }, LOCK_TOUCH_MS);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    rmSync(path, { force: true });
  }
}

/** @param {string} path */
function tryLock(path) {
  try {
    writeFileSync(path, "", { flag: "wx" });
    return true;
  } catch (error) {
    if (!isCode(error, "EEXIST")) throw error;
  }
  if (!isAbandoned(path)) return false;
  // Renaming first: of several commands that see the abandoned lock, one wins.
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    rmSync(aside, { force: true });
  } catch (error) {
    if (!isCode(error, "ENOENT")) throw error; // Another command was quicker.
  }
  return false;
}

/** @param {string} path */
function isAbandoned(path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs > LOCK_DEAD_MS;
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function isCode(error, code) {
  return error instanceof Error && "code" in error && error.code === code;
}

const [, entry] = process.argv;
if (entry !== undefined && import.meta.url === pathToFileURL(entry).href) {
  const problem = await ensureInstalled(ROOT);
  if (problem !== undefined) {
    process.stderr.write(`sallyport: ${problem}\n`);
    process.exitCode = 1;
  }
}
