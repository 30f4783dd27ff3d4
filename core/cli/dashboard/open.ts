import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Environment } from "../../config/paths.ts";

/** A browser that is not running yet takes this long to read a file. */
const READ_MS = 5_000;

const PROGRAMS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ["open"],
  win32: ["explorer.exe"],
  linux: ["xdg-open"],
};

/**
 * Opens a page in the browser. Its address holds a token, and arguments of programs are seen by
 * everybody on the machine: so the browser is given a private file that leads there.
 *
 * @returns False: there is no browser here.
 */
export async function openPage(
  address: string,
  { env, stateDir, stop }: { env: Environment; stateDir: string; stop: AbortSignal },
): Promise<boolean> {
  const [program, ...args] = PROGRAMS[process.platform] ?? [];
  const isBlind = process.platform === "linux" && !env["DISPLAY"] && !env["WAYLAND_DISPLAY"];
  if (program === undefined || isBlind) return false;
  const file = join(stateDir, `dashboard-${process.pid}.html`);
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  await writeFile(file, leadingTo(address), { flag: "wx", mode: 0o600 });
  try {
    const child = spawn(program, [...args, pathToFileURL(file).href], {
      stdio: "ignore",
      detached: true,
    });
    child.unref();
    await once(child, "spawn");
    await pause(READ_MS, undefined, { signal: stop }).catch(() => undefined); // told to stop
    return true;
  } catch {
    return false; // no such program: the address is printed all the same
  } finally {
    await rm(file, { force: true });
  }
}

function leadingTo(address: string): string {
  const safe = address.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  return `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${safe}"><title>Sallyport</title>\n`;
}
