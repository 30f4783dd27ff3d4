import { readVersion } from "../gateway/version.ts";
import type { Command } from "./command.ts";

export const version: Command = {
  usage: "--version",
  summary: "Print the version",

  async run(_args, io) {
    io.out(readVersion());
    return 0;
  },
};
