import type { Io } from "../command.ts";
import type { Written } from "./write.ts";

/** What to type next. */
export const NEXT = {
  local: ["sallyport doctor", "sallyport gateway", "sallyport status"],
  remote: ["sallyport health", "sallyport status"],
} as const;

export function tellWritten(written: Written, io: Io): void {
  const { configPath, changed, envFile, variables, warnings } = written;
  for (const warning of warnings) io.err(`warning: ${warning}`);
  io.out(changed ? `written: ${configPath}` : `${configPath} is like that already`);
  if (variables.length > 0) io.out(`written: ${envFile} (${variables.join(", ")})`);
}

export function tellNext(mode: keyof typeof NEXT, io: Io): void {
  io.out(`Next:\n${NEXT[mode].map((line) => `  ${line}`).join("\n")}`);
}
