import { EXIT_FAILURE } from "./exit-codes.ts";

/** What could not be done. The message is one line that says what to do. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: number;

  constructor(line: string, exitCode: number = EXIT_FAILURE, cause?: unknown) {
    super(line, { cause });
    this.exitCode = exitCode;
  }
}

/** What to do when an optional package was left out of the install. */
export function notInstalled(name: string): string {
  return `the package ${name} is not installed: run \`npm install --include=optional\` in the folder of sallyport`;
}

/** The same for programs, one line: the envelope that every command has for them. Pure. */
export function failureLine(message: string): string {
  return `${JSON.stringify({ ok: false, error: { type: "cli_error", message } })}\n`;
}
