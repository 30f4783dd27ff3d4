/**
 * What is installed, compared with what should be. Pure: texts in, a verdict out.
 *
 * Plain JavaScript, like its two readers: they run before anything is installed, on whatever Node
 * the machine has.
 */

/** The oldest Node whose npm can install us; the parts themselves run on the Node it installs. */
export const MIN_NODE_MAJOR = 20;

/** From here on Node runs our TypeScript without a flag and without a warning. */
export const OWN_NODE = Object.freeze({ major: 24, minor: 12 });

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }} LockedPackage
 */

/**
 * @param {string} version - As in `process.versions.node`.
 * @returns {{ major: number, minor: number }}
 */
export function parseVersion(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return { major, minor };
}

/**
 * True when this Node can run the parts itself.
 *
 * @param {string} version
 */
export function isOwnNode(version) {
  const { major, minor } = parseVersion(version);
  return major > OWN_NODE.major || (major === OWN_NODE.major && minor >= OWN_NODE.minor);
}

/**
 * @param {string} text - A lockfile of version 2 or 3.
 * @returns {Record<string, LockedPackage> | undefined}
 */
function packagesOf(text) {
  try {
    const { packages } = JSON.parse(text);
    return typeof packages === "object" && packages !== null ? packages : undefined;
  } catch {
    return undefined; // Half-written or not ours: the same as not installed.
  }
}

/**
 * Why `npm ci` must run, or undefined when everything is in place.
 *
 * npm writes `node_modules/.package-lock.json` last, so an install that was cut short has none.
 * Optional packages of other platforms are in the lockfile and never on the disk.
 *
 * @param {string} lock - Text of `package-lock.json`.
 * @param {string | undefined} installed - Text of `node_modules/.package-lock.json`, if there.
 * @returns {string | undefined}
 */
export function staleReason(lock, installed) {
  if (installed === undefined) return "nothing is installed yet";
  const wanted = packagesOf(lock);
  const present = packagesOf(installed);
  if (wanted === undefined || present === undefined) return "the installed packages are unknown";
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "") continue;
    const found = Object.hasOwn(present, path) ? present[path] : undefined;
    if (found === undefined && entry.optional !== true && entry.devOptional !== true) {
      return `${path} is missing`;
    }
    if (found !== undefined && !isSame(entry, found)) return `${path} has changed`;
  }
  return undefined;
}

/**
 * @param {LockedPackage} a
 * @param {LockedPackage} b
 */
function isSame(a, b) {
  return a.version === b.version && a.integrity === b.integrity;
}

/** What npm says when it cannot reach its registry, as Node and npm spell it. */
const OFFLINE =
  /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED|FETCH_ERROR)\b/;

/**
 * npm's failure in one line for the person who typed the command.
 *
 * @param {string} output - What npm wrote to stderr.
 * @param {number | null} code - Its exit code; null when a signal ended it.
 */
export function installFailure(output, code) {
  if (OFFLINE.test(output)) {
    return "cannot install: npm cannot reach its registry. Check the network (and `npm config get registry`), then run the same command again";
  }
  if (/\bENOSPC\b/.test(output))
    return "cannot install: the disk is full. Free about 1 GB, then run the same command again";
  if (/\b(?:EACCES|EPERM|EROFS)\b/.test(output)) {
    return "cannot install: this folder is not writable. Run the command as the owner of the folder";
  }
  const first = output
    .split("\n")
    .map((line) => line.replace(/^npm (?:ERR!|error)\s*/, "").trim())
    .find((line) => line !== "" && !/^code\b/.test(line));
  return `cannot install: npm ci ended with ${code ?? "a signal"}${first === undefined ? "" : ` (${first.slice(0, 200)})`}. Run \`npm ci\` to see everything it says`;
}
