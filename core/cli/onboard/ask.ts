/** Questions of a setup, over a terminal or a pipe. */
import { createInterface, type Interface } from "node:readline";
import { Writable } from "node:stream";
import { GatewayError } from "../../../shared/errors.ts";
import type { Ask, WizardStep } from "../../methods/wizard/session.ts";
import type { Io } from "../command.ts";
import { printable } from "../printable.ts";

/** UTF-16 units of one line: errors of providers are among them. */
const MAX_SHOWN = 2_000;

type Step = Omit<WizardStep, "id">;

/** Somebody who is asked, one question after another. */
export class Dialogue implements Disposable {
  readonly #io: Io;
  readonly #lines: Interface;
  readonly #waiting: string[] = [];
  readonly #isTerminal: boolean;
  #wanted: PromiseWithResolvers<string> | undefined;
  #isOver = false;
  #isSecret = false;

  /** @throws GatewayError invalid_request when nobody can be asked. */
  constructor(io: Io) {
    if (io.input === undefined) throw nobody();
    this.#io = io;
    this.#isTerminal = io.input.isTTY === true;
    this.#lines = createInterface({
      input: io.input,
      output: this.#isTerminal ? this.#echo() : undefined,
      terminal: this.#isTerminal,
    });
    this.#lines.on("line", (line) => this.#take(line));
    this.#lines.on("close", () => this.#end());
    this.#lines.on("SIGINT", () => this.#lines.close());
    io.stop.addEventListener("abort", () => this.#lines.close(), { once: true });
  }

  /** Rejects with GatewayError canceled when whoever answers has gone. */
  readonly ask: Ask = async (step) => {
    this.#say(step);
    if (step.type === "note") return undefined;
    const line = (await this.#line(step)).trim();
    return answerOf(step, line);
  };

  [Symbol.dispose](): void {
    this.#lines.close();
  }

  #say({ type, title, message, options, initialValue }: Step): void {
    const heading = [title, message].filter((text) => text !== undefined).join(": ");
    this.#io.out(printable(heading, MAX_SHOWN));
    for (const [index, { label, hint }] of (options ?? []).entries()) {
      this.#io.out(
        `  ${index + 1}) ${printable(hint === undefined ? label : `${label} (${hint})`, MAX_SHOWN)}`,
      );
    }
    if (type === "confirm") this.#io.out(initialValue === true ? "  [Y/n]" : "  [y/N]");
    else if (typeof initialValue === "string" && initialValue !== "") {
      this.#io.out(`  [${printable(initialValue, MAX_SHOWN)}]`);
    }
  }

  async #line({ sensitive = false }: Step): Promise<string> {
    const kept = this.#waiting.shift();
    if (kept !== undefined) return kept;
    if (this.#isOver) throw gone();
    this.#isSecret = sensitive;
    if (this.#isTerminal) {
      this.#lines.setPrompt("> ");
      this.#lines.prompt();
    }
    this.#wanted = Promise.withResolvers();
    const line = await this.#wanted.promise;
    if (sensitive && this.#isTerminal) this.#io.out("");
    this.#isSecret = false;
    return line;
  }

  #take(line: string): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    if (wanted === undefined) this.#waiting.push(line);
    else wanted.resolve(line);
  }

  #end(): void {
    this.#isOver = true;
    this.#wanted?.reject(gone());
  }

  /** What is typed, as long as it may be seen. */
  #echo(): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (!this.#isSecret) this.#io.log.write(chunk.toString());
        done();
      },
    });
  }
}

/** What the protocol's clients would send for that line. */
function answerOf({ type, options = [], initialValue }: Step, line: string): unknown {
  if (type === "confirm")
    return line === "" ? initialValue === true : /^(?:y|yes|true)$/i.test(line);
  if (type === "text") return line === "" && typeof initialValue === "string" ? initialValue : line;
  const byNumber = /^\d{1,3}$/.test(line) ? options[Number(line) - 1] : undefined;
  const byName = options.find(({ value, label }) =>
    [value, label.toLowerCase()].includes(line.toLowerCase()),
  );
  return (byNumber ?? byName)?.value;
}

function nobody(): GatewayError {
  return new GatewayError("invalid_request", "nobody can be asked here: use --non-interactive");
}

function gone(): GatewayError {
  return new GatewayError("canceled", "it was called off; what was not confirmed is not written");
}
