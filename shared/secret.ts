const HIDDEN = "[secret]";

/**
 * A credential that cannot be printed by accident: JSON, template strings, `util.inspect` and
 * loggers all see `[secret]`. Only `reveal()` gives it away, so `grep reveal` finds every use.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The credential itself. Pass it straight to what needs it; never keep it in a variable. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  /** What Node's `util.inspect`, and so `console.log`, prints. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return HIDDEN;
  }
}
