import { once } from "node:events";
import { connect } from "node:net";

/** So many requests are on their way on one connection before the first is answered. */
const AHEAD = 50;

/**
 * Sends requests behind one another on one connection, which costs a client next to nothing.
 *
 * @param requests - Without bodies, each with its empty last line.
 * @returns Their statuses, in order. @throws Error when the edge hangs up.
 */
export async function pipeline(edge: URL, requests: readonly string[]): Promise<number[]> {
  const socket = connect(Number(edge.port), edge.hostname);
  const statuses: number[] = [];
  let rest = "";
  for (let sent = 0; sent < requests.length;) {
    socket.write(requests.slice(sent, sent + AHEAD).join(""));
    sent = Math.min(sent + AHEAD, requests.length);
    while (statuses.length < sent) {
      const [data]: Buffer[] = await once(socket, "data");
      const heads = (rest + String(data?.toString("latin1"))).split("HTTP/1.1 ");
      // What comes last may be cut short: it is looked at again with what follows.
      rest = (heads.length > 1 ? "HTTP/1.1 " : "") + (heads.at(-1) ?? "");
      statuses.push(...heads.slice(1, -1).map((head) => Number(head.slice(0, 3))));
      if (statuses.length === sent - 1 && isWhole(rest)) {
        statuses.push(Number(rest.slice(9, 12)));
        rest = "";
      }
    }
  }
  socket.destroy();
  return statuses;
}

/** The head of an answer and as much of a body as it announces. */
function isWhole(answer: string): boolean {
  const end = answer.indexOf("\r\n\r\n");
  const length = /^content-length: (\d+)$/im.exec(answer.slice(0, Math.max(0, end)))?.[1];
  return end >= 0 && answer.length - end - 4 >= Number(length ?? 0);
}
