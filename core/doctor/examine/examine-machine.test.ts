import { chmod, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createMachine } from "../../../test/support/examined.ts";

test("what others may read in the state folder is found, and the config with it", async () => {
  const machine = await createMachine({});
  onTestFinished(() => machine[Symbol.asyncDispose]());
  await chmod(join(machine.stateDir, "openclaw.json"), 0o644);
  await writeFile(join(machine.stateDir, "gateway.pid"), `${process.pid} on ${hostname()}\n`);
  const found = await machine.examine();
  expect(found.of("state.modes")).toMatch(/^warning: .*openclaw.json \(0644\)$/);
  expect(found.of("state.lock")).toBe(`ok: pid ${process.pid} has the state`);
  expect(found.of("state.space")).toMatch(/MiB free$/);
  const elsewhere = {
    env: { OPENCLAW_STATE_DIR: join(machine.stateDir, "none") },
    cwd: "/",
    home: "/",
    uid: 0,
    flags: {},
  };
  const missing = await machine.examine({ surroundings: elsewhere });
  expect(missing.of("state.folder")).toMatch(/^failed: .*does not exist/);
  expect(missing.of("state.lock")).toBe("skipped: state.folder failed");
  await expect(stat(join(machine.stateDir, "none"))).rejects.toThrow("ENOENT");
});

test("a config that is refused says where, and what is known without it is still looked at", async () => {
  const machine = await createMachine(
    `{ gateway: { auth: { token: "top-secret-token" }, prot: 1 } }`,
  );
  onTestFinished(() => machine[Symbol.asyncDispose]());
  const found = await machine.examine({ port: undefined });
  expect(found.of("config.file")).toMatch(/^failed: .*gateway.prot: is not a setting/);
  expect(found.of("state.folder")).toMatch(/^ok/);
  expect(found.of("gateway.health")).toMatch(/^skipped: its port and token are not known/);
  expect(found.of("model.key")).toMatch(/^skipped/);
  expect(found.of("edge.url")).toMatch(/^skipped: no edge is known/);
  expect(JSON.stringify(found.list)).not.toContain("top-secret-token");
});

test("a variable that is not set is named, and so is the setting that wants it", async () => {
  const machine = await createMachine({ gateway: { auth: { token: "${NOWHERE_SET}" } } });
  onTestFinished(() => machine[Symbol.asyncDispose]());
  const found = await machine.examine();
  expect(found.of("config.file")).toMatch(/^warning: .*gateway.auth.token.*NOWHERE_SET/);
});

test("a gateway elsewhere says nothing of this machine, and gets none of its credentials", async () => {
  const machine = await createMachine({ gateway: { auth: { token: "top-secret-token" } } });
  onTestFinished(() => machine[Symbol.asyncDispose]());
  const found = await machine.examine({ url: "http://127.0.0.1:1" });
  expect(found.of("config.file")).toBe("skipped: --url names a gateway elsewhere");
  expect(found.of("gateway.health")).toMatch(/^failed: no gateway at http:\/\/127.0.0.1:1/);
  expect(found.of("model.key")).toMatch(/^skipped/);
});
