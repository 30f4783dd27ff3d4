import * as z from "zod";
import { RESPONSE_LIMITS } from "../limits.ts";
import type { Message } from "../message.ts";
import type { ResponseStore, StoredResponse } from "../response.ts";
import type { Committer } from "./committer.ts";
import { type Db, integerOf, type Row, textOf, textOrNull } from "./db.ts";

const Image = z.object({
  mediaType: z.enum(["image/png", "image/jpeg", "image/gif", "image/webp"]),
  data: z.string(),
});
const ToolCall = z.object({ id: z.string(), name: z.string(), input: z.string() });

/** What we wrote earlier, perhaps in an earlier version: read like anybody else's file. */
const Messages: z.ZodType<Message[]> = z.array(
  z.discriminatedUnion("role", [
    z.object({ role: z.literal("system"), text: z.string() }),
    z.object({ role: z.literal("user"), text: z.string(), images: z.array(Image).optional() }),
    z.object({ role: z.literal("assistant"), text: z.string(), toolCalls: z.array(ToolCall) }),
    z.object({ role: z.literal("tool"), callId: z.string(), text: z.string() }),
  ]),
);
const Body = z.record(z.string(), z.unknown());

const SAVE = `
  insert into response
    (id, owner, agent, session_key, previous, created_at, continues, messages, body, bytes)
  values (:id, :owner, :agent, :sessionKey, :previous, :at, :continues, :messages, :body, :bytes)`;

const COUNT = `
  update response_total set count = count + :count, bytes = bytes + :bytes
  where id = 1 returning count, bytes`;

const OLDEST = "select seq, bytes from response order by seq limit 1";
const DROP = "delete from response where seq = :seq";

const OLD =
  "select seq, bytes from response where created_at < :before order by created_at limit :batch";

const FIND = `
  select id, owner, agent, session_key, previous, created_at, continues, messages, body
  from response where id = :id and owner = :owner`;

const REMOVE = "delete from response where id = :id and owner = :owner returning bytes";

const CHAIN = `
  with recursive link (id, previous, messages, depth) as (
    select id, previous, messages, 1 from response where id = :id and owner = :owner
    union all
    select earlier.id, earlier.previous, earlier.messages, link.depth + 1
    from link join response as earlier on earlier.id = link.previous
    where earlier.owner = :owner and link.depth < :maxLinks
  )
  select messages from link order by depth desc`;

/** The port, in SQL. */
export class SqliteResponses implements ResponseStore {
  readonly #committer: Pick<Committer, "run">;

  constructor(committer: Pick<Committer, "run">) {
    this.#committer = committer;
  }

  save(response: StoredResponse): Promise<void> {
    const messages = JSON.stringify(response.messages);
    const body = JSON.stringify(response.body);
    const bytes = Buffer.byteLength(messages) + Buffer.byteLength(body);
    return this.#committer.run((db) => {
      db.run(SAVE, {
        id: response.id,
        owner: response.owner,
        agent: response.agent,
        sessionKey: response.sessionKey,
        previous: response.previous ?? null,
        at: Math.trunc(response.createdAt),
        continues: response.continues ? 1 : 0,
        messages,
        body,
        bytes,
      });
      makeRoom(db, count(db, 1, bytes));
    });
  }

  find(id: string, owner: string): Promise<StoredResponse | undefined> {
    return this.#committer.run((db) => {
      const row = db.first(FIND, { id, owner });
      return row && toResponse(row);
    });
  }

  chain(id: string, owner: string, maxLinks: number): Promise<Message[]> {
    return this.#committer.run((db) =>
      db.all(CHAIN, { id, owner, maxLinks }).flatMap((row) => messagesOf(row)),
    );
  }

  remove(id: string, owner: string): Promise<boolean> {
    return this.#committer.run((db) => {
      const row = db.first(REMOVE, { id, owner });
      if (row !== undefined) count(db, -1, -integerOf(row, "bytes"));
      return row !== undefined;
    });
  }
}

/**
 * Deletes some of what is old enough.
 *
 * @param batch - Most at once.
 */
export function pruneResponses(db: Db, now: number, batch: number): void {
  const before = Math.trunc(now - RESPONSE_LIMITS.maxAgeMs);
  for (const row of db.all(OLD, { before, batch })) drop(db, row);
}

interface Total {
  readonly count: number;
  readonly bytes: number;
}

/** The newest stays, whatever its size: a request is bounded, so it is never much. */
function makeRoom(db: Db, total: Total): void {
  let left = total;
  const isTooMuch = (): boolean =>
    left.count > 1 &&
    (left.count > RESPONSE_LIMITS.maxCount || left.bytes > RESPONSE_LIMITS.maxBytes);
  while (isTooMuch()) {
    const oldest = db.first(OLDEST);
    if (oldest === undefined) return;
    left = drop(db, oldest);
  }
}

function drop(db: Db, row: Row): Total {
  db.run(DROP, { seq: integerOf(row, "seq") });
  return count(db, -1, -integerOf(row, "bytes"));
}

function count(db: Db, added: number, bytes: number): Total {
  const row = db.first(COUNT, { count: added, bytes }) ?? {};
  return { count: integerOf(row, "count"), bytes: integerOf(row, "bytes") };
}

function toResponse(row: Row): StoredResponse {
  return {
    id: textOf(row, "id"),
    owner: textOf(row, "owner"),
    agent: textOf(row, "agent"),
    sessionKey: textOf(row, "session_key"),
    previous: textOrNull(row, "previous") ?? undefined,
    createdAt: integerOf(row, "created_at"),
    messages: messagesOf(row),
    continues: integerOf(row, "continues") === 1,
    body: Body.parse(JSON.parse(textOf(row, "body"))),
  };
}

function messagesOf(row: Row): Message[] {
  return Messages.parse(JSON.parse(textOf(row, "messages")));
}
