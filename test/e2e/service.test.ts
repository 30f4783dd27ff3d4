/** The gateway as a service of a real systemd. */
import { mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/until.ts";
import { startUserSystemd, type UserSystemd, whyNoUserSystemd } from "../support/user-systemd.ts";

const whyNot = await whyNoUserSystemd();
const Answer = z.looseObject({ ok: z.boolean(), pid: z.int().nullish() });
const Status = z.object({
  service: z.looseObject({ installed: z.boolean() }),
  rpc: z.looseObject({ ok: z.boolean() }),
});

describe.skipIf(whyNot !== undefined)(
  `a service of systemd${whyNot === undefined ? "" : ` (${whyNot})`}`,
  () => {
    let systemd: UserSystemd;
    beforeAll(async () => {
      systemd = await startUserSystemd();
    });
    afterAll(() => systemd[Symbol.asyncDispose]());

    /** A state folder of its own, and no service of others. */
    async function world(stateName = "state") {
      const number = String(await freePort());
      const stateDir = join(systemd.home, `${number}-${stateName}`);
      const env = { OPENCLAW_STATE_DIR: stateDir, OPENCLAW_GATEWAY_PORT: number };
      const unit = join(systemd.unitFolder, "sallyport-gateway.service");
      await mkdir(stateDir, { mode: 0o700 });
      const run = (...args: readonly string[]) => systemd.run(["gateway", ...args], env);
      onTestFinished(async () => {
        await run("uninstall", "--force");
      });
      return {
        stateDir,
        env,
        unit,
        port: Number(number),
        run,
        async json(...args: readonly string[]) {
          const { out } = await run(...args, "--json");
          return Answer.parse(JSON.parse(out));
        },
        async status() {
          const { out } = await run("status", "--json");
          return Status.parse(JSON.parse(out));
        },
        unitText: () => readFile(unit, "utf8").catch(() => undefined),
      };
    }

    test("it is installed, looked at, begun anew, ended, started and taken away", async () => {
      const it = await world();
      const secret = { OPENAI_API_KEY: "sk-of-the-shell" };
      const installed = await systemd.run(["gateway", "install", "--json"], {
        ...it.env,
        ...secret,
      });
      expect(installed).toMatchObject({ code: 0, err: "" });
      const { pid, ...told } = Answer.parse(JSON.parse(installed.out));
      expect(told).toMatchObject({ ok: true, result: "installed", kind: "systemd", scope: "user" });
      expect(installed.out).toContain("set in this shell alone");
      expect(installed.out).not.toContain("sk-of-the-shell");
      expect(await it.unitText()).not.toContain("sk-of-the-shell");
      expect((await stat(join(it.stateDir, "service.env"))).mode & 0o777).toBe(0o600);
      expect(systemd.property("StatusText")).toBe(`ready, port ${it.port}`);

      const status = await it.status();
      expect(status.rpc).toMatchObject({ ok: true });
      expect(status.service).toMatchObject({
        installed: true,
        enabled: true,
        phase: "running",
        mainPid: pid,
        issues: [],
        upToDate: true,
      });
      const examined = await systemd.run(["doctor", "--only", "service", "--json"], it.env);
      expect(JSON.parse(examined.out).checks).toMatchObject([
        { id: "service.unit", status: "ok", detail: `${it.unit}: active (running)` },
      ]);
      expect(await it.json("install")).toMatchObject({ result: "unchanged", pid });
      expect(await it.json("start")).toMatchObject({ result: "already_running", pid });

      const restarted = await it.json("restart");
      expect(restarted).toMatchObject({ result: "restarted" });
      expect(restarted.pid).not.toBe(pid);
      expect(await it.json("stop")).toMatchObject({ stopped: true, pid: restarted.pid });
      expect(systemd.property("Result")).toBe("success");
      expect((await it.status()).service).toMatchObject({ phase: "stopped", enabled: true });
      expect(await it.json("restart")).toMatchObject({ result: "started" });

      expect(await it.json("uninstall")).toMatchObject({ ok: true, removed: true });
      expect(await it.unitText()).toBeUndefined();
      expect(systemd.property("LoadState")).toBe("not-found");
      expect(await it.status()).toMatchObject({
        service: { installed: false },
        rpc: { ok: false },
      });
      expect(await it.json("uninstall")).toMatchObject({ ok: true, removed: false });
      expect((await it.run("start")).err).toContain("sallyport gateway install");
    });

    test("paths of every kind get through the unit as they are", async () => {
      const it = await world(`we"ird 'one' %h $HOME \\x ; é`);
      const folder = join(systemd.home, "no de %n $PATH ; é");
      await mkdir(folder);
      const node = join(folder, "node");
      await symlink(process.execPath, node);
      const { code, err } = await it.run("install", "--runtime-path", node);
      expect([code, err]).toEqual([0, expect.not.stringContaining("sallyport:")]);
      expect((await it.status()).service).toMatchObject({
        phase: "running",
        stateDir: it.stateDir,
      });
      // The token of the shell's command and the service's are of the same folder.
      expect((await it.status()).rpc).toMatchObject({ ok: true });
      const variables = await readFile(`/proc/${systemd.property("MainPID")}/environ`, "utf8");
      expect(variables.split("\0")).toContain(`OPENCLAW_STATE_DIR=${it.stateDir}`);
    });

    test("variables of service.env reach the gateway", async () => {
      const it = await world();
      await writeFile(join(it.stateDir, "service.env"), "SOME_PROXY='a b'\n", { mode: 0o644 });
      await it.json("install");
      const variables = await readFile(`/proc/${systemd.property("MainPID")}/environ`, "utf8");
      expect(variables.split("\0")).toContain("SOME_PROXY=a b");
      expect((await stat(join(it.stateDir, "service.env"))).mode & 0o777).toBe(0o600);
    });

    test("a gateway that does not come up leaves nothing behind", async () => {
      const it = await world();
      await occupied(it.port);
      const { code, err } = await it.run("install");
      expect(code).toBe(1);
      expect(err).toMatch(/the gateway does not come up: .*; nothing is installed/);
      expect(await it.unitText()).toBeUndefined();
      expect(systemd.property("LoadState")).toBe("not-found");
    });

    test("an update that does not come up is taken back, and the old service runs again", async () => {
      const it = await world();
      await it.json("install");
      const before = await it.unitText();
      const busy = await freePort();
      await occupied(busy);
      const failed = await it.run("install", "--port", String(busy));
      expect([failed.code, failed.err]).toEqual([
        1,
        expect.stringContaining("what was there is back"),
      ]);
      expect(await it.unitText()).toBe(before);
      await until(async () => (await it.status()).rpc.ok);
      expect((await it.status()).service).toMatchObject({ phase: "running", enabled: true });
    });

    test("one that is killed comes back; one whose config is wrong stays away", async () => {
      const it = await world();
      const { pid } = await it.json("install");
      process.kill(z.int().parse(pid), "SIGKILL");
      await until(async () => (await it.status()).rpc.ok);
      expect(systemd.property("NRestarts")).toBe("1");
      await writeFile(join(it.stateDir, "openclaw.json"), "{ gateway: { prot: 1 } }");
      process.kill(Number(systemd.property("MainPID")), "SIGKILL");
      await until(() => systemd.property("ActiveState") === "failed");
      expect([systemd.property("ExecMainStatus"), systemd.property("NRestarts")]).toEqual([
        "78",
        "2",
      ]);
    });

    test("what others wrote, or somebody changed, takes --force", async () => {
      const it = await world();
      await mkdir(systemd.unitFolder, { recursive: true });
      await writeFile(it.unit, "[Service]\nExecStart=/bin/sleep 1000\n");
      expect((await it.run("install")).err).toContain("is not ours");
      expect((await it.run("uninstall")).err).toContain("is not ours");
      const dry = await it.json("install", "--dry-run");
      expect(dry).toMatchObject({
        needsForce: true,
        diff: expect.arrayContaining(["-ExecStart=/bin/sleep 1000"]),
      });
      expect(await it.json("install", "--force")).toMatchObject({ result: "updated" });
      await writeFile(it.unit, `${await it.unitText()}# mine\n`);
      expect((await it.run("install")).err).toContain("edited by hand");
      expect((await it.status()).service).toMatchObject({ edited: true, upToDate: false });
      expect(await it.json("install", "--force")).toMatchObject({ ok: true });
    });

    test("onboarding installs it when it is told to", async () => {
      const it = await world();
      const flags = [
        "--non-interactive",
        "--accept-risk",
        "--auth-choice",
        "skip",
        "--skip-health",
      ];
      const onboard = ["onboard", ...flags, "--install-daemon", "--json"];
      const { code, out } = await systemd.run(onboard, it.env);
      expect([code, JSON.parse(out)]).toMatchObject([
        0,
        { ok: true, daemon: { installed: true, unit: it.unit } },
      ]);
      expect((await it.status()).rpc).toMatchObject({ ok: true });
    });

    test("doctor finds a unit that is out of date, and another one that wants the port", async () => {
      const it = await world();
      await it.json("install");
      const other = join(systemd.unitFolder, "openclaw-gateway.service");
      const wanted = join(systemd.unitFolder, "default.target.wants");
      const verdict = async () => {
        const { out } = await systemd.run(["doctor", "--only", "service", "--json"], it.env);
        return z.object({ checks: z.array(z.looseObject({})) }).parse(JSON.parse(out)).checks[0];
      };
      // A drain that is longer than the unit allows.
      const config = { sallyport: { limits: { drainTimeoutMs: 120_000 } } };
      await writeFile(join(it.stateDir, "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
      expect(await verdict()).toMatchObject({
        status: "warning",
        detail: expect.stringContaining("killed after 35 s"),
      });
      await writeFile(other, `[Service]\nExecStart=/bin/openclaw gateway --port ${it.port}\n`);
      await symlink(other, join(wanted, "openclaw-gateway.service"));
      expect(await verdict()).toMatchObject({
        status: "warning",
        detail: `${other} starts a gateway on port ${it.port} as well`,
      });
      await Promise.all([rm(other), rm(join(wanted, "openclaw-gateway.service"))]);
    });

    test("a gateway that runs by itself is not thrown over without a word", async () => {
      const it = await world();
      const byHand = systemd.run(["gateway", "run"], it.env);
      await until(async () => (await it.status()).rpc.ok);
      expect((await it.run("install")).err).toMatch(/runs already.*--force/);
      expect(await it.json("install", "--force")).toMatchObject({ result: "installed" });
      expect((await byHand).code).toBe(0);
    });
  },
);

/** Somebody else listens there. */
async function occupied(port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.close();
    await once(server, "close");
  });
}
