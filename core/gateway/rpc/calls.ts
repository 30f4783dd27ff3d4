import type { CallContext, Methods } from "../../methods/method.ts";
import type { ResponseFrame } from "./frames.ts";
import { answerFrame, refuseFrame } from "./rpc.ts";

/** Requests of one client under way at once: people and their tools need few, a flood has no end. */
const MAX_IN_FLIGHT = 64;

/** One call, however often it is made. */
export interface Call {
  /** Unix ms. */
  readonly askedAt: number;
  /** It was answered that the work is accepted. */
  isAccepted: boolean;
}

/** Who answers, whoever leads. */
export interface CallHost {
  parts(): { readonly methods: Methods; readonly now: () => number };
  /** Resolves when calls that were put off are to be made again; undefined: there is nobody left. */
  held(): Promise<void> | undefined;
}

export interface CallClient {
  readonly contextOf: (requestId: string, call: Call) => CallContext;
  readonly isOpen: () => boolean;
  readonly send: (answer: ResponseFrame) => void;
}

/** The calls of one client that are under way. */
export class Calls {
  readonly #host: CallHost;
  readonly #onIdle: () => void;
  #inFlight = 0;
  /** Those that wait for the gateway to begin anew. */
  #putOff = 0;

  /** @param onIdle - None is under way any more. */
  constructor(host: CallHost, onIdle: () => void) {
    this.#host = host;
    this.#onIdle = onIdle;
  }

  /** None is under way; those that are put off are not. */
  get isIdle(): boolean {
    return this.#inFlight === 0;
  }

  /** Sends the answer to any parsed JSON. Never rejects. */
  async answer(json: unknown, client: CallClient): Promise<void> {
    if (this.#inFlight + this.#putOff >= MAX_IN_FLIGHT) {
      client.send(refuseFrame(json));
      return;
    }
    this.#inFlight += 1;
    const answer = await this.#answerOf(json, client);
    this.#inFlight -= 1;
    client.send(answer);
    if (this.#inFlight === 0) this.#onIdle();
  }

  /** A call that is put off is under way no more, until it is made again. */
  async #answerOf(json: unknown, { contextOf, isOpen }: CallClient): Promise<ResponseFrame> {
    const host = this.#host;
    const call: Call = { askedAt: host.parts().now(), isAccepted: false };
    for (;;) {
      const answer = await answerFrame(json, host.parts().methods, {
        context: (id) => contextOf(id, call),
        canPutOff: () => isOpen() && host.held() !== undefined,
      });
      if (answer !== "later") return answer;
      this.#inFlight -= 1;
      this.#putOff += 1;
      if (this.#inFlight === 0) this.#onIdle();
      await host.held();
      this.#putOff -= 1;
      this.#inFlight += 1;
      // Whoever has gone meanwhile, or may not be here any more, has nothing begun: this reaches nobody.
      if (!isOpen()) return refuseFrame(json);
    }
  }
}
