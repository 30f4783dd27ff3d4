import { CloseCode } from "../../shared/close-code.ts";
import { type Line, type Message, type Taker } from "./line.ts";

/** With this the core would greet a client whom the edge has greeted already. */
const CHALLENGE = '{"type":"event","event":"connect.challenge"';

/**
 * Ties a client to its relay until one of them closes; the other then closes with the same code and
 * reason, and a client whose relay is lost with one that says: come back.
 */
export function pipe(client: Line, relay: Line): void {
  let isFirst = true;
  client.take(into(relay, (code, reason) => relay.close(codeOfLoss(code), reason)));
  relay.take({
    onMessage(message) {
      const isSecond = isFirst && isChallenge(message);
      isFirst = false;
      // From a core of the version before, or an upstream: it has its answer already.
      if (!isSecond) client.send(message);
    },
    onClose(code, reason) {
      if (code === 1006) client.close(CloseCode.restart, "service restart");
      else client.close(code, reason);
    },
  });
}

function into(other: Line, onClose: Taker["onClose"]): Taker {
  return { onMessage: (message) => other.send(message), onClose };
}

/** Nobody can send 1006: a client that was lost has gone away. */
function codeOfLoss(code: number): number {
  return code === 1006 ? CloseCode.goingAway : code;
}

function isChallenge(message: Message): boolean {
  return typeof message === "string" && message.startsWith(CHALLENGE);
}
