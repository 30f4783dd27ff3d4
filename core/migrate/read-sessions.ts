/** Sessions of OpenClaw: of its databases, and of the files it had before. */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import type { DatabaseSync } from "node:sqlite";
import { zstdDecompressSync } from "node:zlib";
import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { jsonOrUndefined } from "../../shared/json.ts";
import type { SourceAgent } from "./source.ts";
import { type Transcript, transcriptOf } from "./transcript.ts";

/** Sessions of one agent that are looked at. */
const MAX_SESSIONS = 10_000;
/** Of one transcript: beyond that it does not fit in memory twice. */
const MAX_EVENTS = 200_000;
const MAX_FILE_BYTES = 256 * 1024 * 1024;
/** What OpenClaw itself allows for one event. */
const MAX_EVENT_BYTES = 4 * 1024 * 1024;

export interface SourceSession {
  readonly agentId: string;
  readonly key: string;
  readonly label: string | undefined;
  /** Unix ms. */
  readonly createdAt: number | undefined;
  /** @throws GatewayError for one that cannot be read. */
  read(): Promise<Transcript>;
}

const Head = z.object({
  session_key: z.string().min(1).max(512),
  current_session_id: z.string(),
  label: z.string().nullish(),
  created_at: z.number().nullish(),
});
const Row = z.object({
  event_json: z.string().nullable(),
  event_zstd: z.instanceof(Uint8Array).nullish(),
});

/** Those of an agent's database. */
export function databaseSessions(db: DatabaseSync, agentId: string): SourceSession[] {
  const heads = rowsOf(
    db,
    "select * from session_nodes order by updated_at desc limit ?",
    MAX_SESSIONS,
  );
  return heads.flatMap((row) => {
    const head = Head.safeParse(row).data;
    if (head === undefined) return [];
    return [
      {
        agentId,
        key: head.session_key,
        label: head.label ?? undefined,
        createdAt: head.created_at ?? undefined,
        read: () => Promise.resolve(transcriptOf(eventsOf(db, head.current_session_id))),
      },
    ];
  });
}

/** Those of the branch that is in use: what was taken back is not part of what was said. */
const ACTIVE = `
  select event_json, event_zstd from session_transcript_active_events as active
  join transcript_events as event
    on event.session_id = active.session_id and event.seq = active.event_seq
  where active.session_id = ? order by active.active_position limit ?`;
const ALL = `
  select event_json, event_zstd from transcript_events where session_id = ? order by seq limit ?`;

function eventsOf(db: DatabaseSync, sessionId: string): unknown[] {
  const active = rowsOf(db, ACTIVE, sessionId, MAX_EVENTS);
  const rows = active.length > 0 ? active : rowsOf(db, ALL, sessionId, MAX_EVENTS);
  return rows.map((row) => {
    const { event_json: text, event_zstd: packed } = Row.parse(row);
    if (text !== null) return jsonOrUndefined(text);
    return packed ? jsonOrUndefined(unpacked(packed)) : undefined;
  });
}

function unpacked(bytes: Uint8Array): string {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: MAX_EVENT_BYTES }).toString("utf8");
  } catch {
    return ""; // one event that cannot be read is counted among those that could not
  }
}

function rowsOf(db: DatabaseSync, sql: string, ...values: (string | number)[]): unknown[] {
  try {
    return db.prepare(sql).all(...values);
  } catch (cause) {
    // Another version has other tables.
    const message = "its database is laid out as this version does not know it";
    throw new GatewayError("version_unsupported", message, { cause });
  }
}

const Sessions = z.record(
  z.string(),
  z.looseObject({
    sessionId: z.string().regex(/^[\w.-]{1,128}$/),
    sessionFile: z.string().optional().catch(undefined),
    label: z.string().optional().catch(undefined),
  }),
);

/** Those of `sessions.json` and the transcripts beside it. */
export async function fileSessions(agent: SourceAgent): Promise<SourceSession[]> {
  if (agent.sessionsFile === undefined) return [];
  const text = await readFile(agent.sessionsFile, "utf8");
  const parsed = Sessions.safeParse(jsonOrUndefined(text));
  if (!parsed.success) {
    throw new GatewayError("bad_response", `${agent.sessionsFile} cannot be understood`);
  }
  return Object.entries(parsed.data)
    .slice(0, MAX_SESSIONS)
    .map(([key, { sessionId, sessionFile, label }]) => {
      // A path of another machine, or of before a move: its name is what counts.
      const name = sessionFile === undefined ? `${sessionId}.jsonl` : basename(sessionFile);
      const read = (): Promise<Transcript> => readTranscript(join(agent.sessionsDir, name));
      return { agentId: agent.id, key, label, createdAt: undefined, read };
    });
}

async function readTranscript(file: string): Promise<Transcript> {
  const facts = await stat(file).catch(() => undefined);
  if (facts?.isFile() !== true) throw new GatewayError("not_found", `${file} is not there`);
  if (facts.size > MAX_FILE_BYTES) {
    throw new GatewayError("too_large", `${file} has more than ${MAX_FILE_BYTES} bytes`);
  }
  const events: unknown[] = [];
  const lines = createInterface({ input: createReadStream(file, "utf8"), crlfDelay: Infinity });
  for await (const line of lines) {
    if (events.length >= MAX_EVENTS) break;
    if (line.trim() !== "") events.push(jsonOrUndefined(line));
  }
  return transcriptOf(branchOf(events));
}

const Linked = z.looseObject({ id: z.string(), parentId: z.string().nullish() });

/** From the last event back to the first: others are of branches that were left. */
function branchOf(events: readonly unknown[]): unknown[] {
  const byId = new Map<string, { readonly event: unknown; readonly parent: string | undefined }>();
  let last: string | undefined;
  for (const event of events) {
    const linked = Linked.safeParse(event).data;
    if (linked === undefined) continue;
    byId.set(linked.id, { event, parent: linked.parentId ?? undefined });
    if ("parentId" in linked) last = linked.id;
  }
  // The first versions of the format have no links.
  if (last === undefined) return [...events];
  const branch: unknown[] = [];
  for (let id: string | undefined = last; id !== undefined;) {
    const found: { event: unknown; parent: string | undefined } | undefined = byId.get(id);
    if (found === undefined) break;
    branch.push(found.event);
    byId.delete(id);
    id = found.parent;
  }
  return branch.toReversed();
}
