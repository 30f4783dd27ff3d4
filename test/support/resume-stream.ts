import type { ClientSocket, Receipt, SocketListener } from "../../core/tunnel/handlers.ts";
import type { Random } from "./random.ts";

export type Message = string | Uint8Array;

/** What a core sends on one stream; a batch is one message of the tunnel. */
export type CoreFrame =
  | { readonly kind: "message"; readonly message: Message; readonly answers: number }
  | { readonly kind: "done"; readonly answers: number }
  | { readonly kind: "state"; readonly state: string }
  | { readonly kind: "close"; readonly code: number; readonly reason: string };

/** The core's end of one stream. */
export class Stream implements ClientSocket {
  listener: SocketListener | undefined;
  readonly early: (() => void)[] = [];
  control: CoreFrame[] = [];
  data: CoreFrame[] = [];
  over = false;
  #count = 0;
  #drained: PromiseWithResolvers<void> | undefined;

  get bufferedBytes(): number {
    return this.data.length;
  }

  send(message: Message): void {
    if (!this.over) this.data.push({ kind: "message", message, answers: 0 });
  }

  close(code: number, reason: string): void {
    if (!this.over) this.data.push({ kind: "close", code, reason });
  }

  drained(): Promise<void> | undefined {
    if (this.data.length === 0 || this.over) return undefined;
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  keep(state: string): void {
    if (!this.over) this.control.push({ kind: "state", state });
  }

  listen(listener: SocketListener): void {
    this.listener = listener;
    for (const event of this.early.splice(0)) event();
  }

  /** A message of the client arrives. */
  arrive(message: Message): void {
    this.#count += 1;
    const receipt = this.#receipt(this.#count);
    const event = (): void => this.listener?.onMessage(message, receipt);
    if (this.listener === undefined) this.early.push(event);
    else event();
  }

  end(code: number): void {
    if (this.over) return;
    this.over = true;
    this.#settle();
    this.listener?.onClose(code, "");
  }

  /** State goes first and whole; of the messages as many as there is credit for, one at least. */
  flush(random: Random): CoreFrame[] {
    const batch = [
      ...this.control,
      ...this.data.splice(0, random.between(1, this.data.length + 1)),
    ];
    this.control = [];
    if (this.data.length === 0) this.#settle();
    return batch;
  }

  #receipt(number: number): Receipt {
    let used = false;
    const use = (): boolean => {
      const first = !used;
      used = true;
      return first && !this.over;
    };
    return {
      answer: (message) => {
        const answers = use() ? number : 0;
        if (!this.over) this.data.push({ kind: "message", message, answers });
      },
      done: () => {
        if (use()) this.control.push({ kind: "done", answers: number });
      },
    };
  }

  #settle(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}
