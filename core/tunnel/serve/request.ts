/**
 * A request out of the tunnel. Its `signal` is made only when somebody looks at it: Node's own
 * follows another signal for every request, which costs more than the rest of it.
 */
export class TunnelRequest extends Request {
  #controller: AbortController | undefined;
  #gone = false;

  // Not `override get signal`: the declared types make it a plain property, which TypeScript does
  // not let an accessor override.
  static {
    Object.defineProperty(this.prototype, "signal", {
      get(this: TunnelRequest): AbortSignal {
        return this.#signal();
      },
    });
  }

  /** The client is gone: whoever works for it may stop. */
  abort(): void {
    this.#gone = true;
    this.#controller?.abort();
  }

  #signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#gone) this.#controller.abort();
    }
    return this.#controller.signal;
  }
}
