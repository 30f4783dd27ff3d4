import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { agents } from "./agents.ts";
import { channels } from "./channels.ts";
import type { Command, Io } from "./command.ts";
import { models } from "./models.ts";
import { skills } from "./skills.ts";

const COMMANDS: Readonly<Record<string, Command>> = { agents, channels, models, skills };
const TOKEN = "123:ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** A machine on which no gateway runs: the port is one that nobody may listen on. */
async function world(config: object = {}) {
  const home = await mkdtemp(join(tmpdir(), "manage-"));
  const stateDir = join(home, ".openclaw");
  await mkdir(stateDir, { mode: 0o700 });
  const path = join(stateDir, "openclaw.json");
  const gateway = { mode: "local", port: 1 };
  await writeFile(path, `// kept\n${JSON.stringify({ gateway, ...config })}`);
  async function run(line: string) {
    const out: string[] = [];
    const err: string[] = [];
    const io: Io = {
      env: {},
      cwd: home,
      home,
      uid: undefined,
      pid: 1,
      colours: false,
      out: (text) => void out.push(text),
      err: (text) => void err.push(text),
      log: { write: () => undefined },
      stop: new AbortController().signal,
      supervised: false,
    };
    const [name = "", ...args] = line.split(" ");
    const code = await COMMANDS[name]?.run(args, io);
    return { code, out: out.join("\n"), err: err.join("\n") };
  }
  return {
    home,
    run,
    text: () => readFile(path, "utf8"),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

const FAKE = {
  models: { providers: { fake: { baseUrl: "http://127.0.0.1:9/v1", apiKey: "sk-1234567" } } },
  agents: { defaults: { model: "fake/x" } },
};

test("an agent is added, shown and removed without a gateway", async () => {
  await using it = await world(FAKE);
  expect(await it.run("agents add Work --bind telegram:-100")).toMatchObject({ code: 0 });
  expect((await it.run("agents list")).out).toMatch(/^main, default: fake\/x.*\nwork \(Work\): /);
  expect(await it.text()).toContain('"kind": "group"');
  expect(await it.run("agents delete work")).toMatchObject({ code: 1 });
  expect(await it.run("agents delete work --force")).toMatchObject({ code: 0 });
  expect((await it.run("agents list")).out).not.toContain("work (");
  expect(await it.text()).toMatch(/^\/\/ kept/);
});

test("the files of an agent are written from a file and shown", async () => {
  await using it = await world();
  await writeFile(join(it.home, "soul"), "Be kind.");
  expect(await it.run("agents files set SOUL.md --file soul")).toMatchObject({ code: 0 });
  expect(await it.run("agents files get SOUL.md")).toMatchObject({ code: 0, out: "Be kind." });
  expect((await it.run("agents files list")).out).toContain("SOUL.md: 8 bytes");
  expect(await it.run("agents files set SOUL.md --file nowhere")).toMatchObject({ code: 1 });
});

test("an agent shows itself as it is told to", async () => {
  await using it = await world();
  await it.run("agents set-identity --name Molty --emoji M --theme lobster");
  const { agents: listed } = JSON.parse((await it.run("agents list --json")).out);
  expect(listed).toMatchObject([{ name: "Molty", identity: { emoji: "M", theme: "lobster" } }]);
});

test("models set takes a model whose provider has no key, and warns", async () => {
  await using it = await world(FAKE);
  const done = await it.run("models set anthropic/claude-opus-4-20250514");
  expect(done).toMatchObject({ code: 0, err: expect.stringContaining("needs an API key") });
  const status = await it.run("models status --json");
  expect(JSON.parse(status.out)).toMatchObject({
    defaultModel: "anthropic/claude-opus-4-20250514",
    providers: [{ provider: "anthropic", keySource: "none" }],
  });
  expect(await it.run("models status --check")).toMatchObject({ code: 1 });
  expect(await it.run("models set acme/brain")).toMatchObject({ code: 1 });
});

test("models status tells where a key is from, and never the key", async () => {
  await using it = await world(FAKE);
  const { out } = await it.run("models status");
  expect(out).toBe("model: fake/x\nfake: key from config");
  expect((await it.run("models status --json")).out).not.toContain("sk-1234567");
});

test("aliases and fallbacks are kept in the config", async () => {
  await using it = await world(FAKE);
  await it.run("models aliases add quick fake/small");
  expect((await it.run("models aliases list")).out).toBe("quick: fake/small");
  await it.run("models fallbacks add quick");
  expect((await it.run("models fallbacks list")).out).toBe("fake/small");
  expect(await it.run("models fallbacks add fake/x")).toMatchObject({
    code: 1,
    err: expect.stringContaining("fake/x is asked first already"),
  });
  expect((await it.run("models fallbacks list")).out).toBe("fake/small");
  await it.run("models fallbacks clear");
  await it.run("models aliases remove quick");
  expect((await it.run("models aliases list")).out).toBe("");
  expect((await it.run("models fallbacks list")).out).toBe("no fallbacks");
});

test("models list is the contract's document", async () => {
  await using it = await world(FAKE);
  expect(JSON.parse((await it.run("models list --json")).out)).toEqual({
    count: 1,
    models: [
      {
        key: "fake/x",
        name: "x",
        input: "text",
        local: true,
        available: true,
        tags: ["default"],
      },
    ],
  });
});

test("a channel is added, turned off and forgotten", async () => {
  await using it = await world();
  expect(await it.run(`channels add --channel telegram --token ${TOKEN}`)).toMatchObject({
    code: 0,
  });
  expect((await it.run("channels list")).out).toBe("telegram (Telegram): on");
  expect(JSON.parse((await it.run("channels list --json")).out)).toEqual({
    chat: {
      telegram: { accounts: ["default"], label: "Telegram", installed: true, origin: "bundled" },
    },
  });
  expect(await it.run("channels status")).toMatchObject({
    out: "telegram: stopped",
    err: expect.stringContaining("no gateway runs"),
  });
  await it.run("channels remove telegram");
  expect((await it.run("channels list")).out).toBe("telegram (Telegram): off");
  await it.run("channels remove telegram --delete");
  expect(await it.text()).not.toContain("ABCDEF");
});

test.each([
  ["channels login whatsapp", /^sallyport: whatsapp is not available in this version; there is: /],
  ["channels login --channel whatsapp", /whatsapp is not available/],
  ["channels login telegram", /channels add --channel telegram --token/],
  ["channels add --channel telegram", /needs --token/],
  ["channels add --channel telegram --token nonsense", /looks like 123456:ABC/],
  ["channels restart telegram", /no gateway at/],
  ["channels dance", /usage/],
  ["agents add", /usage/],
  ["models fallbacks add", /usage/],
  ["skills dance", /usage/],
])("%s fails with exit code 1 and says why", async (line, why) => {
  await using it = await world();
  const { code, out, err } = await it.run(line);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toMatch(why);
});

test("a failure is a document where programs read it", async () => {
  await using it = await world();
  const { code, out } = await it.run("channels restart telegram --json");
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    ok: false,
    error: { type: "gateway_transport_error", message: expect.stringContaining("no gateway") },
  });
});

test("a gateway of another machine is never answered for from the files of this one", async () => {
  await using it = await world(FAKE);
  const { code, err } = await it.run("agents list --url http://127.0.0.1:1 --token x");
  expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining("no gateway at") });
});

test("skills are shown with what they need", async () => {
  await using it = await world();
  const folder = join(it.home, ".openclaw", "skills", "notes");
  await mkdir(folder, { recursive: true });
  const metadata = JSON.stringify({ openclaw: { requires: { env: ["NOTES_KEY"] } } });
  await writeFile(join(folder, "SKILL.md"), `---\nname: notes\nmetadata: ${metadata}\n---\n`);
  expect((await it.run("skills list")).out).toBe("notes (needs NOTES_KEY): ");
  expect((await it.run("skills list --eligible")).out).toBe("no skills");
  expect((await it.run("skills check")).out).toContain("notes: needs NOTES_KEY");
  expect((await it.run("skills info notes")).out).toContain("state: needs NOTES_KEY");
  expect(await it.run("skills info nobody")).toMatchObject({
    code: 1,
    err: expect.stringContaining("no skill is called nobody"),
  });
});

test("a skill is switched off and on, and the file says so", async () => {
  await using it = await world();
  const folder = join(it.home, ".openclaw", "skills", "notes");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "SKILL.md"), "---\nname: notes\ndescription: Notes.\n---\n");
  expect((await it.run("skills list")).out).toBe("notes: Notes.");
  expect((await it.run("skills disable notes")).out).toBe("notes is off");
  expect((await it.run("skills list")).out).toBe("notes (disabled): Notes.");
  expect((await it.run("skills enable notes")).out).toBe("notes is on");
  expect((await it.run("skills check --json")).out).toContain('"modelVisible":["notes"]');
});
