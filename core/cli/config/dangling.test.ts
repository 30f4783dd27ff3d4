import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { createCommandHome } from "../../../test/support/command-home.ts";
import { config } from "../config.ts";
import { secrets } from "../secrets.ts";

const SECRET = "a-secret-nobody-is-shown-0123456789";
const Written = z.object({ ok: z.literal(true), warnings: z.array(z.string()) });

/** @param providers - Of secrets; `FILE` is a file that is not there yet. */
async function home(providers: object = {}, env: Record<string, string> = {}) {
  const made = await createCommandHome(env);
  onTestFinished(() => made[Symbol.asyncDispose]());
  const file = join(made.path, "vault.json");
  await mkdir(made.stateDir, { mode: 0o700 });
  const text = JSON.stringify({ secrets: { providers } }).replaceAll("FILE", file);
  await writeFile(join(made.stateDir, "openclaw.json"), text);
  return {
    ...made,
    file,
    /** A reference of one setting. */
    async refer([source, provider, id]: readonly [string, string, string]) {
      const ref = ["--ref-source", source, "--ref-provider", provider, "--ref-id", id];
      return made.run(config, ["set", "gateway.auth.token", ...ref]);
    },
  };
}

const NOT_LEFT = "Updated gateway.auth.token.";
const END = ". Until then it counts as left out";

test.each([
  [
    "a variable",
    {},
    ["env", "default", "GW"],
    /the variable GW is not set: set it where.*add the line GW=… to .*\.openclaw\/\.env/,
  ],
  [
    "a variable that may not be read",
    { few: { source: "env", allowlist: ["OTHER"] } },
    ["env", "few", "GW"],
    /not in the allowlist: add GW to secrets\.providers\.few\.allowlist/,
  ],
  [
    "a stored secret",
    {},
    ["store", "default", "GW"],
    /it is not there: sallyport secrets store set GW adds it/,
  ],
  [
    "a file",
    { vault: { source: "file", path: "FILE" } },
    ["file", "vault", "/gw"],
    /its file is not there: see to the file that secrets\.providers\.vault\.path names/,
  ],
] as const)(
  "a reference to %s that is missing is written, with what to do",
  async (_name, providers, ref, why) => {
    const it = await home(providers);
    const run = await it.refer(ref);
    expect(run).toMatchObject({ code: 0, out: expect.stringContaining(NOT_LEFT) });
    expect(run.err).toMatch(why);
    expect(run.err).toMatch(/^gateway\.auth\.token refers to /);
    expect(run.err.endsWith(END)).toBe(true);
    expect(await it.read("openclaw.json")).toContain(ref[2]);
  },
);

test("one that leads to a secret is written without a word, and nobody is shown the secret", async () => {
  const providers = { vault: { source: "file", path: "FILE" } };
  const it = await home(providers, { GW: SECRET });
  await writeFile(it.file, JSON.stringify({ gw: SECRET }), { mode: 0o600 });
  const from = join(it.path, "value");
  await writeFile(from, SECRET);
  await it.run(secrets, ["store", "set", "GW", "--value-file", from]);
  for (const ref of [
    ["env", "default", "GW"],
    ["store", "default", "GW"],
    ["file", "vault", "/gw"],
  ] as const) {
    const run = await it.refer(ref);
    expect(run).toMatchObject({ code: 0, err: "" });
  }
  await chmod(it.file, 0o644);
  const open = await it.refer(["file", "vault", "/gw"]);
  expect(open.err).toContain("its file is open to others");
  expect(open.out + open.err).not.toContain(SECRET);
});

test("programs are told the same among the warnings, of a batch and of a patch as well", async () => {
  const it = await home();
  const ref = { source: "store", provider: "default", id: "HOOKS" };
  const batch = JSON.stringify([
    { path: "hooks.token", ref },
    { path: "gateway.port", value: 19_003 },
  ]);
  const set = await it.run(config, ["set", "--batch-json", batch, "--json"]);
  const warning = expect.stringContaining("hooks.token refers to store:default:HOOKS");
  expect(Written.parse(JSON.parse(set.out)).warnings).toEqual([warning]);
  const file = join(it.path, "patch.json");
  await writeFile(file, JSON.stringify({ gateway: { auth: { token: { ...ref, id: "GW" } } } }));
  const patch = await it.run(config, ["patch", "--file", file, "--json"]);
  const other = expect.stringContaining("gateway.auth.token refers to store:default:GW");
  expect(Written.parse(JSON.parse(patch.out)).warnings).toEqual([other]);
});

test("what a change has nothing to do with is not complained of, nor are programs asked", async () => {
  const it = await home({ pass: { source: "exec", command: "/nowhere/pass" } });
  expect((await it.refer(["env", "default", "GW"])).err).not.toBe("");
  const port = await it.run(config, ["set", "gateway.port", "19004"]);
  expect(port).toMatchObject({ code: 0, err: "" });
  expect(await it.refer(["exec", "pass", "gw"])).toMatchObject({ code: 0, err: "" });
});
