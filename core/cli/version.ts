import { readVersion } from "../gateway/version.ts";
import type { Command } from "./command.ts";

export const version: Command = {
  usage: "--version [--json]",
  summary: "Print the version",

  async run(args, io) {
    // What reads flags elsewhere would take longer to load than this takes.
    io.out(args.includes("--json") ? JSON.stringify({ version: readVersion() }) : readVersion());
    return 0;
  },
};
