import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { WARM } from "./warm.ts";

const MAIN = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));

export interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The program as a person runs it, to its end. */
export async function runProgram(
  args: readonly string[],
  place: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<Run> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: place.cwd,
    env: { ...WARM, ...place.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code, out, err };
}
