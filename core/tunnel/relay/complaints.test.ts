import { EventEmitter, once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { pino } from "pino";
import * as z from "zod";
import { Secret } from "../../../shared/secret.ts";
import { type FakeEdge, startFakeEdge } from "../../../test/support/fake-edge.ts";
import { machineOf } from "../../../test/support/tunnel-core.ts";
import { startTunnel } from "../dial.ts";
import { Identity } from "../identity/identity.ts";
import type { TunnelSettings } from "../settings.ts";

const Line = z.looseObject({ level: z.number(), msg: z.string() });
type Line = z.output<typeof Line>;
const WARN = 40;

/** A core that does not get in, and what it logs, debug lines too. */
async function world(settings: Partial<TunnelSettings> = {}) {
  const edge = await startFakeEdge();
  onTestFinished(() => edge[Symbol.asyncDispose]());
  const lines: Line[] = [];
  const events = new EventEmitter();
  const write = (text: string): void => {
    lines.push(Line.parse(JSON.parse(text)));
    events.emit("line");
  };
  const of = (msg: string): Line[] => lines.filter((line) => line.msg === msg);
  const start = async (): Promise<void> => {
    const tunnel = await startTunnel(
      {
        edge: edge.url,
        pairing: new Secret("a-secret-of-some-length"),
        version: "0",
        stateDir: machineOf({}).stateDir,
        ...settings,
      },
      pino({ level: "debug" }, { write }),
    );
    onTestFinished(() => tunnel[Symbol.asyncDispose]());
  };
  return {
    edge,
    of,
    start,
    lines,
    /** Waits until so many attempts have ended. */
    async failed(count: number): Promise<Line[]> {
      while (of("tunnel not connected").length < count) await once(events, "line");
      return of("tunnel not connected");
    },
  };
}

function refusePairing(edge: FakeEdge, code: string, detail: string): void {
  const body = JSON.stringify({ code, detail });
  edge.onRequest = () => ({ status: 403, body });
}

function loud(lines: readonly Line[]): Line[] {
  return lines.filter(({ level }) => level >= WARN);
}

test("a pairing that is refused is logged once for each reason, by code and words alone", async () => {
  const it = await world();
  refusePairing(it.edge, "forbidden", "The pairing secret was used");
  await it.start();
  await it.failed(3);
  refusePairing(it.edge, "not_found", "Pairing is off");
  await it.failed(5);
  expect(loud(it.of("not paired with the edge"))).toMatchObject([
    { code: "forbidden", reason: "The edge refused the pairing: The pairing secret was used" },
    { code: "not_found", reason: "The edge refused the pairing: Pairing is off" },
  ]);
  expect(loud(it.of("tunnel not connected"))).toHaveLength(2);
  expect(JSON.stringify(it.lines)).not.toContain("stack");
});

test("an edge that forgot our key and does not pair is complained of once", async () => {
  const it = await world();
  it.edge.onRequest = () => ({ status: 404, body: "" });
  const body = JSON.stringify({ code: "unauthenticated", detail: "A known key is required" });
  it.edge.refuse = () => ({ status: 401, body });
  // Met before: it dials first, and pairs because it was refused.
  const { stateDir } = machineOf({});
  await (await Identity.make(stateDir)).pin(it.edge.url.host, it.edge.key.publicKey);
  const again = await world({ edge: it.edge.url, stateDir });
  await again.start();
  await again.failed(4);
  expect(loud(again.of("tunnel not connected"))).toHaveLength(1);
  expect(loud(again.of("not paired with the edge"))).toHaveLength(1);
});

test("an edge that is not there is said with the reason, and without a stack", async () => {
  const it = await world({ edge: new URL("http://127.0.0.1:1") });
  await it.start();
  await it.failed(2);
  expect(loud(it.of("not paired with the edge"))).toMatchObject([
    { code: "core_lost", cause: expect.stringContaining("ECONNREFUSED") },
  ]);
  expect(JSON.stringify(it.lines)).not.toContain("stack");
});

test("a certificate that cannot be read is one line", async () => {
  const tls = { certFile: "/nowhere/client.pem", keyFile: "/nowhere/client.key" };
  const it = await world({ pairing: undefined, tls });
  await it.start();
  await it.failed(3);
  expect(loud(it.lines)).toMatchObject([{ code: "internal", cause: expect.any(String) }]);
  expect(JSON.stringify(it.lines)).not.toContain("stack");
});
