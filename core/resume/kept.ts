/**
 * What the relay keeps of a session for the core after this one: one line of text.
 *
 *     <id> <received>[,<from>-<to>…] <+ and what the app keeps | ->
 */
import { utf8 } from "../../shared/bytes.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { History } from "../../shared/resume/inbox.ts";
import { fullNumber } from "../../shared/resume/record.ts";

export interface Kept {
  readonly id: string;
  /** The client's messages that are done with for good. */
  readonly history: History;
  /** The app's own; undefined when it cannot go on in another core. */
  readonly app: string | undefined;
}

const LINE =
  /^(?<id>[\w-]{43}) (?<received>\d{1,10})(?<beyond>(?:,\d{1,10}-\d{1,10})*) (?<app>\+[^]*|-)$/;

/** Too much of the app's, and it has to begin anew in the next core. */
export function encodeKept({ id, history, app }: Kept): string {
  const beyond = history.beyond.map(({ from, to }) => `,${from >>> 0}-${to >>> 0}`).join("");
  const head = `${id} ${history.received >>> 0}${beyond} `;
  const line = app === undefined ? `${head}-` : `${head}+${app}`;
  if (utf8(line).byteLength <= LIMITS.maxNoteBytes) return line;
  const without = `${head}-`;
  // Holes without end: a client that answers nothing in order.
  return utf8(without).byteLength <= LIMITS.maxNoteBytes ? without : `${id} 0 -`;
}

/** Undefined for what no core of ours has written. */
export function readKept(text: string): Kept | undefined {
  const { id, received, beyond, app } = LINE.exec(text)?.groups ?? {};
  if (id === undefined || received === undefined || app === undefined) return undefined;
  const floor = fullNumber(Number(received), 0);
  const ranges = (beyond ?? "")
    .split(",")
    .slice(1)
    .flatMap((range) => {
      const [from, to] = range.split("-").map(Number);
      if (from === undefined || to === undefined) return [];
      return [{ from: fullNumber(from, floor), to: fullNumber(to, floor) }];
    });
  return {
    id,
    history: { received: floor, beyond: ranges },
    app: app === "-" ? undefined : app.slice(1),
  };
}
