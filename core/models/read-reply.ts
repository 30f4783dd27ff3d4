import type { AdapterSettings } from "./settings.ts";
import { failureOf, type ModelFault } from "./failure.ts";
import type { ModelEvent } from "./model.ts";
import type { ReplyReader } from "./reply-reader.ts";
import type { Watch } from "./watch.ts";

export interface Reply {
  readonly settings: AdapterSettings;
  readonly watch: Watch;
  readonly reader: ReplyReader;
  /** Asks the provider, for the parsed events of its stream. */
  open(): Promise<AsyncIterable<unknown>>;
  /** What a thrown error of the provider's client means. */
  faultOf(error: unknown): ModelFault;
}

/** One answer of a provider, as our events. Never throws: what goes wrong is the last event. */
export async function* readReply(reply: Reply): AsyncGenerator<ModelEvent> {
  const { settings, watch, reader } = reply;
  const failed = (fault: ModelFault): ModelEvent => {
    return { ...failureOf(fault, settings), usage: reader.spent() };
  };
  try {
    for await (const event of await reply.open()) {
      // What is already here of an answer nobody waits for any more.
      if (watch.fault !== undefined) break;
      yield* reader.push(event);
    }
    const rest = watch.fault === undefined ? reader.end() : [];
    if (rest.length > 0) yield* rest;
    else yield failed(watch.fault ?? { kind: "cut" });
  } catch (error) {
    yield failed(watch.fault ?? reply.faultOf(error));
  }
}
