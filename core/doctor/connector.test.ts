import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { createMachine, type Machine, portOf } from "../../test/support/examined.ts";
import { leaveNote } from "../upstream/presence.ts";

const ABOUT = { edge: "https://edge.example", upstream: "http://127.0.0.1:3000" };

async function machineWith(pid: number): Promise<Machine> {
  const machine = await createMachine({});
  onTestFinished(() => machine[Symbol.asyncDispose]());
  await leaveNote(machine.stateDir, { ...ABOUT, pid });
  return machine;
}

test("beside a connector no gateway is missed", async () => {
  const machine = await machineWith(process.pid);
  const findings = await machine.examine();
  for (const id of ["health", "token", "version", "role"] as const) {
    expect(findings.of(`gateway.${id}`)).toBe(
      `skipped: a connector runs here in place of a gateway (pid ${process.pid}, for http://127.0.0.1:3000)`,
    );
  }
  expect(findings.isWell).toBe(true);
});

test("beside a connector that was killed a gateway is missed", async () => {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  const findings = await (await machineWith(pid)).examine();
  expect(findings.of("gateway.health")).toMatch(/^failed: no gateway at/);
});

test("a gateway that answers is examined, whatever runs beside it", async () => {
  const machine = await machineWith(process.pid);
  const server = createServer((_request, response) => response.end('{"ok":true,"status":"live"}'));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const findings = await machine.examine({ port: portOf(server) });
  expect(findings.of("gateway.health")).toMatch(/^ok: a gateway answers/);
});
