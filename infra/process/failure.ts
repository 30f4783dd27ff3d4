/** What could not be done. The message is one line that says what to do. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: number;

  constructor(line: string, exitCode = 1, cause?: unknown) {
    super(line, { cause });
    this.exitCode = exitCode;
  }
}

/** What to do when an optional package was left out of the install. */
export function notInstalled(name: string): string {
  return `the package ${name} is not installed: run \`npm install --include=optional\` in the folder of sallyport`;
}
