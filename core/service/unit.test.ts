import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import type { Definition } from "./definition.ts";
import { unitText } from "./unit.ts";

const exec = promisify(execFile);
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
const runsSystemd = test.runIf(hasSystemd);

const PLAIN: Definition = {
  node: process.execPath,
  entry: "/opt/sallyport/core/sallyport.mjs",
  args: ["gateway", "run", "--port", "18789"],
  variables: { OPENCLAW_STATE_DIR: "/srv/state" },
  envFile: "/srv/state/service.env",
  stateDir: "/srv/state",
  stopSec: 35,
  notify: true,
  user: null,
};
const SYSTEM = { ...PLAIN, stateDir: "/var/lib/sallyport", user: "daemon" };

/** Blanks, quotes, specifiers, variables, escapes, a separator of commands. */
const WEIRD = `/a b/"c"/'d'/%h/$HOME/$$/\\x41/;/é`;

async function unitFileOf(definition: Definition): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "unit-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "sallyport-gateway.service");
  await writeFile(path, unitText(definition), { mode: 0o644 });
  return path;
}

test("the program, its folder and its variables are in it, and what ends it", () => {
  const lines = unitText(PLAIN).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      `ExecStart=${process.execPath} /opt/sallyport/core/sallyport.mjs gateway run --port 18789`,
      "Environment=OPENCLAW_STATE_DIR=/srv/state",
      "EnvironmentFile=-/srv/state/service.env",
      "Type=notify",
      "Restart=on-failure",
      "RestartPreventExitStatus=78",
      "TimeoutStopSec=35",
      "UMask=0077",
      "WantedBy=default.target",
    ]),
  );
  expect(unitText({ ...PLAIN, notify: false })).toContain("Type=exec\n");
});

test("what is special to systemd is written so that it is not", () => {
  const text = unitText({
    ...PLAIN,
    node: "/a b/%n/$X/node",
    entry: WEIRD,
    variables: { OPENCLAW_HOME: WEIRD },
    envFile: WEIRD,
  });
  const word = String.raw`/a b/\"c\"/'d'/%%h/$$HOME/$$$$/\\x41/;/é`;
  // systemd fills in no variables in the name of the program.
  expect(text).toContain(`ExecStart="/a b/%%n/$X/node" "${word}" gateway run`);
  expect(text).toContain(
    String.raw`Environment="OPENCLAW_HOME=/a b/\"c\"/'d'/%%h/$HOME/$$/\\x41/;/é"`,
  );
  expect(text).toContain(String.raw`EnvironmentFile=-/a b/"c"/'d'/%%h/$HOME/$$/\x41/;/é` + "\n");
});

test.each<[string, Partial<Definition>]>([
  ["a line break in a variable", { variables: { TZ: "UTC\nExecStartPre=/bin/evil" } }],
  ["a carriage return in the program", { entry: "/a\rb" }],
  ["a line break in an argument", { args: ["gateway", "run", "--port", "1\n2"] }],
  ["a zero byte in the file of variables", { envFile: "/a\0b" }],
  ["a backslash that would join the next line", { envFile: "/a\\" }],
  ["a blank at the end of a path to the end of a line", { envFile: "/a " }],
  ["a line separator", { entry: "/a\u2028b" }],
  ["a quote in the name of the program", { node: '/a"b/node' }],
  ["a line break in the name of the user", { user: "a\nb" }],
])("%s is refused", (_name, part) => {
  expect(() => unitText({ ...PLAIN, ...part })).toThrow("characters that no service can be given");
});

const cases: readonly [string, Definition][] = [
  ["a user's unit", PLAIN],
  ["a user's unit with paths of every kind", { ...PLAIN, args: [WEIRD], envFile: WEIRD }],
  ["a system unit", SYSTEM],
  ["a system unit with a state of its own", { ...SYSTEM, stateDir: WEIRD }],
];

runsSystemd.each(cases)("systemd has nothing to say against %s", async (_name, definition) => {
  const path = await unitFileOf(definition);
  const scope = definition.user === null ? ["--user"] : [];
  const env = { PATH: "/usr/bin:/bin", XDG_RUNTIME_DIR: dirname(path) };
  // It prints what it finds wrong and may exit with 0 all the same.
  const { stdout, stderr } = await exec("systemd-analyze", [...scope, "verify", path], { env });
  const ours = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("sallyport"));
  expect(ours).toEqual([]);
});

runsSystemd("a system unit leaves an attacker next to nothing", async () => {
  const path = await unitFileOf(SYSTEM);
  const args = ["security", "--offline=yes", "--json=short", "--threshold=20", path];
  // Fails when the exposure is more than 2.0 of 10.
  const { stdout } = await exec("systemd-analyze", args);
  const open = z
    .array(
      z.object({
        json_field: z.string(),
        set: z.boolean().nullable(),
        exposure: z.string().nullable(),
      }),
    )
    .parse(JSON.parse(stdout))
    .filter(({ set, exposure }) => set === false && exposure !== null)
    .map(({ json_field }) => json_field);
  expect(open.toSorted()).toEqual([
    // Those that PrivateDevices leaves.
    "DeviceAllow",
    "IPAddressDeny",
    "MemoryDenyWriteExecute",
    // A program of systemd says for us that we are ready.
    "NotifyAccess",
    "PrivateNetwork",
    "RestrictAddressFamilies_AF_INET_INET6",
    "RestrictAddressFamilies_AF_NETLINK",
    "RestrictAddressFamilies_AF_UNIX",
    "RootDirectoryOrRootImage",
  ]);
});
