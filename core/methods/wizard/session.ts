import { GatewayError } from "../../../shared/errors.ts";

/** What a person is asked, as the protocol has it. */
export interface WizardStep {
  readonly id: string;
  readonly type: "note" | "select" | "text" | "confirm";
  readonly title?: string;
  readonly message?: string;
  readonly options?: readonly {
    readonly value: string;
    readonly label: string;
    readonly hint?: string;
  }[];
  readonly initialValue?: string | boolean;
  readonly placeholder?: string;
  /** True: not to be shown while it is typed, and never again. */
  readonly sensitive?: boolean;
}

export type WizardStatus = "running" | "done" | "cancelled" | "error";

/** Resolves with the answer; rejects when the wizard is called off. */
export type Ask = (step: Omit<WizardStep, "id">) => Promise<unknown>;

export interface WizardView {
  readonly done: boolean;
  readonly step?: WizardStep;
  readonly status: WizardStatus;
  readonly error?: string;
}

/** Why the waiting for an answer ended without one. */
class CalledOff extends Error {
  override readonly name = "CalledOff";
}

interface Open {
  readonly step: WizardStep;
  readonly answered: PromiseWithResolvers<unknown>;
}

/** One conversation with a person: `run` asks, and the person's client answers when it likes. */
export class WizardSession {
  readonly #stop = new AbortController();
  #status: WizardStatus = "running";
  #error: string | undefined;
  #open: Open | undefined;
  #count = 0;
  /** Resolves when there is another step, or none any more. */
  #turn = Promise.withResolvers<undefined>();

  /** @param run - Its failures are told if they are GatewayErrors; others stay between us and the log. */
  constructor(run: (ask: Ask, signal: AbortSignal) => Promise<void>) {
    void this.#live(run);
  }

  get status(): { readonly status: WizardStatus; readonly error?: string } {
    return {
      status: this.#status,
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  /** Where it stands, as soon as it stands anywhere. */
  async view(): Promise<WizardView> {
    await this.#turn.promise;
    const done = this.#status !== "running";
    return { done, ...(this.#open === undefined ? {} : { step: this.#open.step }), ...this.status };
  }

  /** @throws GatewayError invalid_request when that is not the step it waits for. */
  answer(stepId: string, value: unknown): void {
    if (this.#open?.step.id !== stepId) {
      throw new GatewayError("invalid_request", "that is not the step the wizard waits for");
    }
    const { answered } = this.#open;
    this.#open = undefined;
    this.#turn = Promise.withResolvers();
    answered.resolve(value);
  }

  cancel(): void {
    if (this.#status === "running") this.#end("cancelled");
    this.#stop.abort();
    this.#open?.answered.reject(new CalledOff());
    this.#open = undefined;
  }

  async #live(run: (ask: Ask, signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await run((step) => this.#ask(step), this.#stop.signal);
      this.#end("done");
    } catch (error) {
      const text = error instanceof GatewayError ? error.message : "it failed";
      this.#end("error", text);
    }
  }

  #ask(step: Omit<WizardStep, "id">): Promise<unknown> {
    if (this.#stop.signal.aborted) return Promise.reject(new CalledOff());
    this.#count += 1;
    const answered = Promise.withResolvers<unknown>();
    this.#open = { step: { id: `step-${this.#count}`, ...step }, answered };
    this.#turn.resolve(undefined);
    return answered.promise;
  }

  #end(status: WizardStatus, error?: string): void {
    if (this.#status !== "running") return;
    this.#status = status;
    this.#error = error;
    this.#turn.resolve(undefined);
  }
}
