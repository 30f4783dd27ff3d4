/** State folders as OpenClaw leaves them, in both of its layouts. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { zstdCompressSync } from "node:zlib";

export const OPENCLAW_KEY = "sk-or-fake-0123456789abcdef";

/** Of 2026.9.6, as `sqlite_schema` there tells them, less the checks of columns we do not read. */
const STATE = `
  create table cron_jobs (store_key TEXT NOT NULL, job_id TEXT NOT NULL, declaration_key TEXT, name TEXT NOT NULL,
    enabled INTEGER NOT NULL, agent_id TEXT, payload_kind TEXT NOT NULL, job_json TEXT NOT NULL,
    state_json TEXT NOT NULL DEFAULT '{}', sort_order INTEGER NOT NULL DEFAULT 0, updated_at INTEGER NOT NULL,
    PRIMARY KEY (store_key, job_id)) STRICT;
  create table config_machine_state (state_key TEXT NOT NULL PRIMARY KEY, value_json TEXT NOT NULL,
    updated_at_ms INTEGER NOT NULL) STRICT;
  create table device_pairing_paired (device_id TEXT NOT NULL PRIMARY KEY, public_key TEXT NOT NULL, display_name TEXT,
    operator_label TEXT, platform TEXT, device_family TEXT, client_id TEXT, client_mode TEXT, browser_origin TEXT,
    role TEXT, roles_json TEXT, scopes_json TEXT, approved_scopes_json TEXT, remote_ip TEXT, tokens_json TEXT,
    approved_via TEXT, node_surface_json TEXT, pending_node_surface_json TEXT, created_at_ms INTEGER NOT NULL,
    approved_at_ms INTEGER NOT NULL, last_seen_at_ms INTEGER, last_seen_reason TEXT) STRICT;`;
const AGENT = `
  create table session_nodes (session_key TEXT NOT NULL PRIMARY KEY, current_session_id TEXT NOT NULL,
    entry_json TEXT NOT NULL, updated_at INTEGER NOT NULL, created_at INTEGER, label TEXT) STRICT;
  create table transcript_events (session_id TEXT NOT NULL, seq INTEGER NOT NULL, event_json TEXT,
    created_at INTEGER NOT NULL, event_zstd BLOB, event_utf8_bytes INTEGER, navigation_json TEXT,
    PRIMARY KEY (session_id, seq)) STRICT;
  create table session_transcript_active_events (session_id TEXT NOT NULL, active_position INTEGER NOT NULL,
    event_seq INTEGER NOT NULL, message_position INTEGER, context_eligible INTEGER,
    PRIMARY KEY (session_id, active_position)) STRICT;
  create table auth_profile_store (store_key TEXT NOT NULL PRIMARY KEY, store_json TEXT NOT NULL,
    updated_at INTEGER NOT NULL) STRICT;`;

export const AT = 1_795_374_000_000;

function said(id: string, parentId: string | null, at: number, message: object): object {
  return { type: "message", id, parentId, timestamp: new Date(at).toISOString(), message };
}

/** A conversation with a tool in it, and a branch that was left. */
export const EVENTS: readonly object[] = [
  { type: "session", version: 4, id: "s1", timestamp: new Date(AT).toISOString() },
  said("1", null, AT + 1, { role: "user", content: "What time is it?", timestamp: AT + 1 }),
  said("2", "1", AT + 2, {
    role: "assistant",
    content: [
      { type: "thinking", thinking: "hm" },
      { type: "toolCall", id: "c1", name: "time", arguments: { zone: "UTC" } },
    ],
  }),
  said("3", "2", AT + 3, {
    role: "toolResult",
    toolCallId: "c1",
    toolName: "time",
    content: [{ type: "text", text: "noon" }],
  }),
  said("left", "3", AT + 4, { role: "assistant", content: [{ type: "text", text: "taken back" }] }),
  said("4", "3", AT + 5, { role: "assistant", content: [{ type: "text", text: "It is noon." }] }),
];
const ACTIVE = [1, 2, 3, 5];

export const JOB = {
  id: "6905c195-556e-491a-8a36-c4cb9b61f62a",
  agentId: "main",
  name: "morning brief",
  enabled: true,
  createdAtMs: AT,
  schedule: { kind: "cron", expr: "0 7 * * *", tz: "Europe/Berlin" },
  sessionTarget: "isolated",
  wakeMode: "now",
  payload: { kind: "agentTurn", message: "Summarise my day", toolsAllow: ["*"] },
  delivery: { mode: "none", channel: "last" },
  scheduledToolPolicy: { version: 1, mode: "trusted" },
  state: {},
};

const PROFILES = {
  version: 1,
  profiles: {
    "openrouter:manual": { type: "api_key", provider: "openrouter", key: OPENCLAW_KEY },
    "anthropic:me": { type: "oauth", provider: "anthropic", access: "a", refresh: "b" },
  },
};

async function common(dir: string): Promise<void> {
  await mkdir(join(dir, "workspace", "memory"), { recursive: true });
  await writeFile(join(dir, "workspace", "SOUL.md"), "Be kind.");
  await writeFile(join(dir, "workspace", "memory", "teal.md"), "The colour is teal.");
  await writeFile(
    join(dir, ".env"),
    "FAKE_KEY=sk-fake-0123456789\n# mine\nOPENCLAW_STATE_DIR=/x\n",
  );
  const config = `{
  // where it listens
  gateway: { mode: "local", port: 19555, auth: { token: "\${FAKE_KEY}" } },
  agents: { defaults: { workspace: "${dir}/workspace" } },
}
`;
  await writeFile(join(dir, "openclaw.json"), config);
}

/** As 2026.9 leaves it: in databases, which it may still have open. */
export async function writeDatabaseState(dir: string): Promise<Disposable> {
  await common(dir);
  const agentDir = join(dir, "agents", "main", "agent");
  await mkdir(agentDir, { recursive: true });
  await mkdir(join(dir, "state"));
  const state = new DatabaseSync(join(dir, "state", "openclaw.sqlite"));
  const agent = new DatabaseSync(join(agentDir, "openclaw-agent.sqlite"));
  for (const db of [state, agent]) db.exec("pragma journal_mode = wal");
  state.exec(STATE);
  agent.exec(AGENT);
  state
    .prepare("insert into config_machine_state values ('authProfiles.store', ?, 1)")
    .run(JSON.stringify(PROFILES));
  const job = state.prepare(
    "insert into cron_jobs (store_key, job_id, name, enabled, payload_kind, job_json, updated_at) values ('s', ?, ?, 1, 'agentTurn', ?, 1)",
  );
  job.run(JOB.id, JOB.name, JSON.stringify(JOB));
  const own = { ...JOB, id: "own", name: "heartbeat-main", declarationKey: "heartbeat:main" };
  job.run(own.id, own.name, JSON.stringify(own));
  state
    .prepare(
      "insert into device_pairing_paired (device_id, public_key, display_name, role, roles_json, scopes_json, tokens_json, approved_via, created_at_ms, approved_at_ms) values ('dev1', 'pub1', 'Kitchen', 'operator', '[\"operator\"]', '[\"operator.read\"]', '{\"operator\":{\"token\":\"device-secret\"}}', 'silent', 1, 2)",
    )
    .run();
  agent
    .prepare("insert into session_nodes values ('agent:main:main', 's1', '{}', ?, ?, 'Clock')")
    .run(AT + 5, AT);
  const event = agent.prepare("insert into transcript_events values ('s1', ?, ?, ?, ?, ?, null)");
  for (const [seq, one] of EVENTS.entries()) {
    const text = JSON.stringify(one);
    // Long ones are kept packed.
    if (seq === 5) event.run(seq, null, AT, zstdCompressSync(text), Buffer.byteLength(text));
    else event.run(seq, text, AT, null, null);
  }
  const active = agent.prepare(
    "insert into session_transcript_active_events values ('s1', ?, ?, null, 1)",
  );
  for (const [position, seq] of ACTIVE.entries()) active.run(position, seq);
  return {
    [Symbol.dispose]() {
      state.close();
      agent.close();
    },
  };
}

/** As 2026.2 leaves it: in files. */
export async function writeFileState(dir: string): Promise<void> {
  await common(dir);
  const sessions = join(dir, "agents", "main", "sessions");
  await put(join(sessions, "sessions.json"), {
    "agent:main:main": { sessionId: "s1", updatedAt: AT, label: "Clock" },
    "agent:main:gone": { sessionId: "s2", updatedAt: AT },
  });
  await writeFile(join(sessions, "s1.jsonl"), EVENTS.map((one) => JSON.stringify(one)).join("\n"));
  await put(join(dir, "agents", "main", "agent", "auth-profiles.json"), PROFILES);
  await put(join(dir, "cron", "jobs.json"), { version: 1, jobs: [JOB] });
  const device = { deviceId: "dev1", publicKey: "pub1", displayName: "Kitchen", role: "operator" };
  const more = { roles: ["operator"], scopes: ["operator.read"], createdAtMs: 1, approvedAtMs: 2 };
  const tokens = { operator: { token: "device-secret" } };
  await put(join(dir, "devices", "paired.json"), { dev1: { ...device, ...more, tokens } });
}

async function put(file: string, document: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(document));
}

/** Digest of every file there, by name. */
export async function fingerprint(dir: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const found = await Promise.all(
    files.map(async (entry): Promise<[string, string]> => {
      const file = join(entry.parentPath, entry.name);
      return [
        file,
        createHash("sha256")
          .update(await readFile(file))
          .digest("hex"),
      ];
    }),
  );
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
