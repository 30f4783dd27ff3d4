import { randomBytes } from "node:crypto";
import pino from "pino";
import { expect, onTestFinished, test } from "vitest";
import { createMachine } from "../../../test/support/examined.ts";
import { startFakeTelegram } from "../../../test/support/fake-telegram.ts";
import { Pairing } from "../../channels/pairing.ts";
import { loadSettings } from "../../config/resolve.ts";
import { startGateway } from "../../gateway/lifecycle/start.ts";
import { openSqliteStore } from "../../store/sqlite/open.ts";

const CHECK = "channel.sessions";

/** A machine whose bot lets in those who were paired. */
async function machineOf(session: object, telegram: object, paired: readonly string[]) {
  const fake = await startFakeTelegram();
  onTestFinished(() => fake[Symbol.asyncDispose]());
  const machine = await createMachine({
    gateway: { port: 0 },
    session,
    channels: { telegram: { botToken: fake.token, apiRoot: fake.apiRoot, ...telegram } },
  });
  onTestFinished(() => machine[Symbol.asyncDispose]());
  const { stateDir } = machine;
  {
    await using store = await openSqliteStore({ stateDir, now: Date.now });
    const pairing = new Pairing({ store, now: Date.now, randomBytes });
    for (const sender of paired) {
      const answer = await pairing.ask("telegram", { sender, name: "", askedBy: sender });
      if (answer.state === "new") await pairing.approve("telegram", answer.code);
    }
  }
  return { ...machine, stateDir };
}

/** What the doctor finds beside a running gateway, and what that gateway logs. */
async function found(machine: Awaited<ReturnType<typeof machineOf>>) {
  const { stateDir: home } = machine;
  const env = { OPENCLAW_STATE_DIR: home };
  const loaded = await loadSettings({ env, cwd: home, home, uid: process.getuid?.(), flags: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level: "warn" },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  );
  await using gateway = await startGateway(loaded.value, log);
  const findings = await machine.examine({ port: gateway.port });
  const told = lines.filter(({ msg }) => msg === "the owner's session is shared with others");
  return { said: findings.of(CHECK), one: findings.list.find(({ id }) => id === CHECK), told };
}

test("an owner whose session is everybody's is told so, and what to do; at the start as well", async () => {
  const it = await found(await machineOf({ dmScope: "main" }, {}, ["1", "2"]));
  expect(it.said).toMatch(
    /^warning: session\.dmScope is "main" and 2 people may write on telegram/,
  );
  expect(it.one?.fix).toContain('set session.dmScope to "per-channel-peer"');
  expect(it.told).toMatchObject([{ channel: "telegram", people: 2, remedy: it.one?.fix }]);
});

test.each([
  ["one person", { dmScope: "main" }, {}, ["1"], /^ok: .*nobody but one person/],
  ["nobody said main", {}, {}, ["1", "2"], /^ok: .*sessions apart/],
  ["each has their own", { dmScope: "per-peer" }, {}, ["1", "2"], /^ok: .*their own \(per-peer\)/],
] as const)(
  "where %s, nothing is complained of",
  async (_name, session, telegram, paired, said) => {
    const it = await found(await machineOf(session, telegram, paired));
    expect(it.said).toMatch(said);
    expect(it.told).toEqual([]);
  },
);

test("what the config says is known without a gateway; who is paired is not", async () => {
  const listed = await machineOf({ dmScope: "main" }, { allowFrom: ["1", "telegram:2"] }, []);
  expect((await listed.examine()).of(CHECK)).toMatch(/^warning: .*2 people may write/);
  const open = await machineOf({ dmScope: "main" }, { dmPolicy: "open", allowFrom: ["*"] }, []);
  expect((await open.examine()).of(CHECK)).toMatch(/^warning: .*everybody may write/);
  const paired = await machineOf({ dmScope: "main" }, {}, ["1", "2"]);
  expect((await paired.examine()).of(CHECK)).toBe("skipped: no gateway tells who is paired");
});
