/** A home folder in which a command is run within the test, as a shell would run it. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Command, Io } from "../../core/cli/command.ts";
import { reportFailure } from "../../core/cli/failure.ts";

export interface CommandRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CommandHome extends AsyncDisposable {
  readonly path: string;
  readonly stateDir: string;
  /** The text of a file in the state folder; empty when it is not there. */
  read(name: string): Promise<string>;
  run(command: Command, args: readonly string[], how?: Partial<Io>): Promise<CommandRun>;
}

/** @param env - Of the command; nothing of ours is in it. */
export async function createCommandHome(env: Io["env"] = {}): Promise<CommandHome> {
  const path = await mkdtemp(join(tmpdir(), "sallyport-command-"));
  const stateDir = join(path, ".openclaw");
  return {
    path,
    stateDir,
    read: (name) => readFile(join(stateDir, name), "utf8").catch(() => ""),
    async run(command, args, how = {}) {
      const out: string[] = [];
      const err: string[] = [];
      const io: Io = {
        env,
        cwd: path,
        home: path,
        uid: process.getuid?.(),
        pid: process.pid,
        colours: false,
        out: (line) => void out.push(line),
        err: (line) => void err.push(line),
        log: { write: () => undefined },
        stop: new AbortController().signal,
        supervised: false,
        ...how,
      };
      let code: number;
      try {
        code = await command.run(args, io);
      } catch (error) {
        code = reportFailure(error, args.includes("--json"), io);
      }
      return { code, out: out.join("\n"), err: err.join("\n") };
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** What somebody types, a line each; then they are gone. */
export function typed(...lines: readonly string[]): Readable {
  return Readable.from(lines.map((line) => `${line}\n`));
}
