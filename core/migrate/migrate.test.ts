import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import {
  AT,
  fingerprint,
  JOB,
  OPENCLAW_KEY,
  writeDatabaseState,
  writeFileState,
} from "../../test/support/openclaw-state.ts";
import { refuseForeignState } from "../gateway/lifecycle/foreign-state.ts";
import { openSqliteStore } from "../store/sqlite/open.ts";
import { migrate, type MigrateOrder } from "./migrate.ts";
import type { Outcome } from "./step.ts";

const now = (): number => AT + 60_000;

async function world(write: (dir: string) => Promise<unknown> = writeDatabaseState) {
  const root = await mkdtemp(join(tmpdir(), "migrate-"));
  const source = join(root, "theirs");
  const stateDir = join(root, "ours");
  await mkdir(source, { mode: 0o700 });
  const open = await write(source);
  return {
    source,
    stateDir,
    async run(options: Partial<MigrateOrder> = {}) {
      const { outcomes } = await migrate({
        surroundings: { env: { OPENCLAW_STATE_DIR: stateDir }, cwd: root, home: root },
        uid: process.getuid?.(),
        from: source,
        apply: true,
        inPlace: false,
        now,
        hostZone: "UTC",
        ...options,
      });
      return outcomes;
    },
    store: () => openSqliteStore({ stateDir, now }),
    async [Symbol.asyncDispose]() {
      if (isDisposable(open)) open[Symbol.dispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

function isDisposable(value: unknown): value is Disposable {
  return typeof value === "object" && value !== null && Symbol.dispose in value;
}

function named(outcomes: readonly Outcome[], outcome: Outcome["outcome"]): string[] {
  return outcomes
    .filter((one) => one.outcome === outcome)
    .map(({ part, name }) => `${part}: ${name}`);
}

test.each([
  ["in databases", writeDatabaseState],
  ["in files", writeFileState],
])("what OpenClaw has %s is brought over, and nothing there changes", async (_name, write) => {
  await using it = await world(write);
  const before = await fingerprint(it.source);
  const outcomes = await it.run();
  expect(named(outcomes, "failed")).toEqual([]);
  expect(named(outcomes, "added")).toEqual([
    "variables: FAKE_KEY",
    "keys: OPENROUTER_API_KEY",
    `config: ${join(it.stateDir, "openclaw.json")}`,
    "workspace: SOUL.md",
    "workspace: memory/teal.md",
    "sessions: agent:main:main",
    "cron: morning brief",
    "devices: Kitchen (dev1)",
  ]);
  expect(await fingerprint(it.source)).toEqual(before);

  const variables = parseEnv(await readFile(join(it.stateDir, ".env"), "utf8"));
  expect(variables).toEqual({ FAKE_KEY: "sk-fake-0123456789", OPENROUTER_API_KEY: OPENCLAW_KEY });
  expect((await stat(join(it.stateDir, ".env"))).mode & 0o777).toBe(0o600);
  const config = await readFile(join(it.stateDir, "openclaw.json"), "utf8");
  expect(config).toContain("// where it listens");
  expect(config).toContain('token: "${FAKE_KEY}"');
  expect(config).toContain(`workspace: "${it.stateDir}/workspace"`);
  expect(config).toContain('"${OPENROUTER_API_KEY}"');

  await using store = await it.store();
  const page = await store.sessions.page("agent:main:main", { limit: 10 });
  expect(page?.info).toMatchObject({ createdBy: "migrate", label: "Clock", updatedAt: AT + 5 });
  expect(page?.messages.map(({ at, message }) => [at, message])).toEqual([
    [AT + 1, { role: "user", text: "What time is it?" }],
    [
      AT + 2,
      {
        role: "assistant",
        text: "",
        toolCalls: [{ id: "c1", name: "time", input: '{"zone":"UTC"}' }],
      },
    ],
    [AT + 3, { role: "tool", callId: "c1", text: "noon" }],
    [AT + 5, { role: "assistant", text: "It is noon.", toolCalls: [] }],
  ]);
  const [job] = (await store.cron.load()).jobs;
  expect(job).toMatchObject({
    id: JOB.id,
    definition: { schedule: JOB.schedule, payload: { message: "Summarise my day" } },
    state: { nextRunAtMs: expect.any(Number) },
  });
  expect(await store.devices.devices()).toMatchObject([
    { deviceId: "dev1", publicKey: "pub1", scopes: ["operator.read"], tokens: [] },
  ]);
});

test("a dry run says the same, and writes nothing anywhere", async () => {
  await using it = await world();
  const before = await fingerprint(it.source);
  const outcomes = await it.run({ apply: false });
  expect(named(outcomes, "add")).toHaveLength(8);
  expect(await fingerprint(it.source)).toEqual(before);
  await expect(readdir(it.stateDir)).rejects.toThrow("ENOENT");
});

test("a second time there is nothing left to do", async () => {
  await using it = await world();
  await it.run();
  const after = await fingerprint(it.stateDir);
  const again = await it.run();
  expect(named(again, "added")).toEqual([]);
  expect(named(again, "kept")).toEqual([]);
  expect(named(again, "same")).toHaveLength(8);
  const { [join(it.stateDir, "sallyport.sqlite")]: _changes, ...files } = await fingerprint(
    it.stateDir,
  );
  expect(after).toMatchObject(files);
});

test("what cannot be brought over is named with the reason", async () => {
  await using it = await world();
  const left = (await it.run()).filter(({ outcome }) => outcome === "left");
  expect(left.map(({ name, note }) => [name, note])).toEqual([
    ["OPENCLAW_STATE_DIR", "it says where OpenClaw has its things"],
    ["anthropic:me", expect.stringContaining("sign-in")],
    ["heartbeat-main", "OpenClaw made it for itself"],
  ]);
});

test("neither keys nor tokens are in what is told", async () => {
  await using it = await world();
  const told = JSON.stringify([await it.run({ apply: false }), await it.run()]);
  for (const secret of [OPENCLAW_KEY, "sk-fake-0123456789", "device-secret"]) {
    expect(told).not.toContain(secret);
  }
});

test("what is here already stays as it is", async () => {
  await using it = await world();
  await mkdir(join(it.stateDir, "workspace"), { recursive: true, mode: 0o700 });
  await writeFile(join(it.stateDir, "openclaw.json"), "{}");
  await writeFile(join(it.stateDir, ".env"), "FAKE_KEY=ours\n", { mode: 0o600 });
  await writeFile(join(it.stateDir, "workspace", "SOUL.md"), "Be brief.");
  {
    await using store = await it.store();
    const entry = { sessionKey: "agent:main:main", usage: { inputTokens: 1, outputTokens: 1 } };
    await store.sessions.add({
      ...entry,
      messages: [{ role: "user", text: "What time is it?" }],
      at: 1,
    });
  }
  const outcomes = await it.run();
  expect(named(outcomes, "kept")).toEqual([
    "variables: FAKE_KEY",
    `config: ${join(it.stateDir, "openclaw.json")}`,
    "workspace: SOUL.md",
    "sessions: agent:main:main",
  ]);
  expect(await readFile(join(it.stateDir, "openclaw.json"), "utf8")).toBe("{}");
  expect(await readFile(join(it.stateDir, "workspace", "SOUL.md"), "utf8")).toBe("Be brief.");
  expect(await readFile(join(it.stateDir, ".env"), "utf8")).toContain("FAKE_KEY=ours\n");
});

test("a session that was cut short is completed, once", async () => {
  await using it = await world();
  {
    await mkdir(it.stateDir, { mode: 0o700 });
    await using store = await it.store();
    const sessionKey = "agent:main:main";
    await store.sessions.create({ key: sessionKey, createdBy: "migrate", at: AT });
    const messages = [{ role: "user", text: "What time is it?" }] as const;
    const usage = { inputTokens: 0, outputTokens: 0 };
    await store.sessions.add({ sessionKey, messages, usage, at: AT + 1 });
  }
  const outcomes = await it.run();
  const session = outcomes.find(({ part }) => part === "sessions");
  expect(session).toMatchObject({ outcome: "added", note: "3 messages" });
  await using store = await it.store();
  expect((await store.sessions.find("agent:main:main"))?.messageCount).toBe(4);
});

test("a setting that nobody knows is left out, and the rest of the config is taken", async () => {
  await using it = await world();
  await writeFile(
    join(it.source, "openclaw.json"),
    "{ // mine\n  gateway: { port: 19555, prot: 1 },\n  auth: { profiles: {} },\n}\n",
  );
  const outcomes = (await it.run()).filter(({ part }) => part === "config");
  expect(outcomes.map(({ name, outcome }) => [name, outcome])).toEqual([
    [join(it.stateDir, "openclaw.json"), "added"],
    ["gateway.prot", "left"],
    ["auth", "left"],
  ]);
  const config = await readFile(join(it.stateDir, "openclaw.json"), "utf8");
  expect(config).toContain("// mine");
  expect(config).not.toContain("prot:");
});

test("one folder for both is only taken by somebody who means it", async () => {
  await using it = await world();
  const surroundings = { env: { OPENCLAW_STATE_DIR: it.source }, cwd: "/", home: "/" };
  await expect(it.run({ surroundings })).rejects.toThrow(
    /OPENCLAW_STATE_DIR=~\/\.sallyport sallyport migrate --from openclaw --source .* --apply/,
  );
  await expect(refuseForeignState(it.source)).rejects.toThrow("migrate --from openclaw");
  const outcomes = await it.run({ surroundings, inPlace: true });
  expect(named(outcomes, "added")).toEqual([
    "keys: OPENROUTER_API_KEY",
    "sessions: agent:main:main",
    "cron: morning brief",
    "devices: Kitchen (dev1)",
  ]);
  await expect(refuseForeignState(it.source)).resolves.toBeUndefined();
});

test("while a gateway has our state nothing is brought over", async () => {
  await using it = await world();
  await mkdir(it.stateDir, { mode: 0o700 });
  await using gateway = await it.store();
  expect(gateway.lease.epoch).toBe(1);
  await expect(it.run()).rejects.toMatchObject({ code: "conflict" });
});

test("a folder without any of it is named", async () => {
  await using it = await world(() => Promise.resolve());
  await expect(it.run()).rejects.toThrow(`nothing of OpenClaw is in ${it.source}`);
});

test("a database that is none costs its own part, and no other", async () => {
  await using it = await world(writeFileState);
  await mkdir(join(it.source, "state"));
  await writeFile(
    join(it.source, "state", "openclaw.sqlite"),
    "no database, but long enough to be read",
  );
  const outcomes = await it.run();
  expect(
    outcomes.find(({ outcome, part }) => outcome === "left" && part === "cron")?.note,
  ).toContain("no database");
  expect(named(outcomes, "added")).toContain("sessions: agent:main:main");
});
