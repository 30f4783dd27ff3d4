import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type FakeTelegram, startFakeTelegram } from "./fake-telegram.ts";

const CHILD = fileURLToPath(new URL("./engine-child.ts", import.meta.url));

/** A state folder, a Bot API server, and engines in processes of their own between the two. */
export interface BotInProcess extends AsyncDisposable {
  readonly stateDir: string;
  readonly fake: FakeTelegram;
  /** Starts an engine. @returns Its SIGKILL: settles once the process is gone. */
  readonly start: (mode?: string) => () => Promise<void>;
}

export async function botInProcess(): Promise<BotInProcess> {
  const stateDir = mkdtempSync(join(tmpdir(), "sallyport-crash-"));
  const fake = await startFakeTelegram();
  const alive = new Set<() => Promise<void>>();
  return {
    stateDir,
    fake,
    start(mode = "") {
      const child = spawn(process.execPath, [CHILD, stateDir, fake.apiRoot, mode], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      const exited = once(child, "exit");
      const kill = async (): Promise<void> => {
        alive.delete(kill);
        child.kill("SIGKILL");
        await exited;
      };
      alive.add(kill);
      return kill;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...alive].map((kill) => kill()));
      await fake[Symbol.asyncDispose]();
      rmSync(stateDir, { recursive: true });
    },
  };
}
