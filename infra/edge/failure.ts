/** What could not be done. The message is one line that says what to do. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: number;

  constructor(line: string, exitCode = 1, cause?: unknown) {
    super(line, { cause });
    this.exitCode = exitCode;
  }
}
