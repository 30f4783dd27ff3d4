/** What is refused before anything is done; the rest needs a service manager: test/e2e/service. */
import { access, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type CommandHome, createCommandHome } from "../../../../test/support/command-home.ts";
import { ENTRY } from "../../../service/runtime.ts";
import { daemon, gateway } from "../../gateway.ts";

async function home(env: Record<string, string> = {}): Promise<CommandHome> {
  // Where this machine has a service manager, it is left alone.
  const made = await createCommandHome({ XDG_RUNTIME_DIR: "/nowhere", ...env });
  onTestFinished(() => made[Symbol.asyncDispose]());
  return made;
}

async function hasUnit({ path }: CommandHome): Promise<boolean> {
  return access(join(path, ".config/systemd/user/sallyport-gateway.service")).then(
    () => true,
    () => false,
  );
}

const onLinux = test.runIf(process.platform === "linux");

onLinux("without a service manager it says what to do instead, and writes nothing", async () => {
  const it = await home();
  const { code, err } = await it.run(gateway, ["install"]);
  expect(code).toBe(1);
  expect(err).toMatch(/systemctl|systemd/);
  expect(err).toMatch(/docker compose .* nohup sallyport gateway run/);
  expect(await hasUnit(it)).toBe(false);
});

test.each([
  [["--token", "t-0123456789"], "--token would be seen"],
  [["--runtime", "bun"], "runs on node"],
  [["now"], "takes flags alone"],
  [["--port", "none"], "--port"],
  [["--port", "99999"], "--port"],
  [["--runtime-path", "node"], "is not absolute"],
  [["--wrapper", "/x"], "--wrapper"],
])("install %j is refused", async (flags, reason) => {
  const it = await home();
  const run = await it.run(gateway, ["install", ...flags, "--print"]);
  expect(run).toMatchObject({ out: "", err: expect.stringContaining(reason) });
  expect(run.code).not.toBe(0);
  expect(run.err).not.toContain("t-0123456789");
});

onLinux("a dry run shows the whole of a first unit and changes nothing", async () => {
  const it = await home({ OPENCLAW_GATEWAY_PORT: "19100" });
  const { code, out } = await it.run(gateway, ["install", "--dry-run", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    ok: true,
    dryRun: true,
    needsForce: false,
    diff: expect.arrayContaining(["+Environment=OPENCLAW_GATEWAY_PORT=19100"]),
  });
  expect(await hasUnit(it)).toBe(false);
  expect(await it.read("service.env")).toBe("");
});

test("a config that is wrong is told before anything is installed", async () => {
  const it = await home();
  await mkdir(it.stateDir, { mode: 0o700 });
  await writeFile(join(it.stateDir, "openclaw.json"), "{ gateway: { prot: 1 } }");
  expect(await it.run(gateway, ["install"])).toMatchObject({
    code: 78,
    err: expect.stringContaining("gateway.prot"),
  });
});

test("a client of another gateway has nothing to install", async () => {
  const it = await home();
  await mkdir(it.stateDir, { mode: 0o700 });
  const config = { gateway: { mode: "remote", remote: { url: "wss://gw.example" } } };
  await writeFile(join(it.stateDir, "openclaw.json"), JSON.stringify(config));
  expect((await it.run(gateway, ["install"])).err).toContain("client of another gateway");
});

onLinux("under sudo it asks whose service it is to be", async () => {
  const it = await home({ SUDO_USER: "anna" });
  const { err } = await it.run(gateway, ["install", "--dry-run"], { uid: 0 });
  expect(err).toMatch(/say it as anna, without sudo, or with --system/);
});

const isHidden = /^\/(?:home|root|tmp|var\/tmp)\//.test(ENTRY);
test.runIf(process.platform === "linux" && !isHidden)(
  "a system unit is printed for whoever asks, and written by root alone",
  async () => {
    const it = await home();
    const printed = await it.run(gateway, ["install", "--system", "--print"]);
    expect(printed.out).toContain("\nUser=sallyport\nStateDirectory=sallyport\n");
    expect(printed.out).toContain("\nEnvironment=OPENCLAW_STATE_DIR=/var/lib/sallyport\n");
    const { code } = await it.run(gateway, ["install", "--system"], { uid: 1_000 });
    expect(code).not.toBe(0);
  },
);

test("a system service does not see a home", async () => {
  const it = await home({ OPENCLAW_STATE_DIR: "/home/anna/state" });
  const { err } = await it.run(gateway, ["install", "--system", "--print"]);
  expect(err).toMatch(/does not see|of a user/);
});

test("without a service, start says so, and daemon has the same words", async () => {
  const it = await home();
  expect(await it.run(gateway, ["start"])).toMatchObject({
    code: 1,
    err: expect.stringContaining("no service is installed"),
  });
  expect(await it.run(daemon, ["uninstall"])).toMatchObject({
    code: 0,
    out: "no service is installed",
  });
  expect((await it.run(daemon, [])).err).toContain("daemon knows only: status, install");
  expect((await it.run(daemon, ["run"])).err).toContain("daemon knows only");
});
