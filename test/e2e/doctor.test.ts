import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { CHECKS } from "../../core/doctor/verdicts/finding.ts";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { startStrippingProxy } from "../support/examined.ts";
import { until } from "../support/until.ts";

const MAIN = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));

const Findings = z.array(
  z.strictObject({
    id: z.string(),
    layer: z.string(),
    status: z.enum(["ok", "warning", "failed", "skipped"]),
    detail: z.string(),
    fix: z.string().nullable(),
    ms: z.int().nullable(),
  }),
);

const Document = z.object({
  schemaVersion: z.literal(1),
  ok: z.boolean(),
  checksRun: z.int(),
  checksSkipped: z.int(),
  checks: Findings,
});

interface Examined {
  readonly code: number;
  readonly out: string;
  /** Status and detail of a check. */
  of(id: string): string;
}

const pairing = randomToken();
let edge: RunningEdge;
let home: CoreHome;
let core: CoreProcess;

beforeAll(async () => {
  edge = await startEdge({ bindings: { PAIRING_SECRET: pairing } });
  home = await createHome(edge, pairing);
  core = await startCore(home, edge);
});

afterAll(async () => {
  await core.stop();
  await home[Symbol.asyncDispose]();
  await edge[Symbol.asyncDispose]();
});

/** The program itself, beside the core. */
async function doctor(...args: readonly string[]): Promise<Examined> {
  return doctorOf(home, core, ...args);
}

async function doctorOf(
  place: CoreHome,
  { url }: CoreProcess,
  ...args: readonly string[]
): Promise<Examined> {
  return lookFrom(["--port", new URL(url).port, ...args], place);
}

async function lookFrom(
  args: readonly string[],
  place: Pick<CoreHome, "env" | "dir">,
): Promise<Examined> {
  const run = await cli(["doctor", "--json", ...args], place);
  const findings = Document.parse(JSON.parse(run.out)).checks;
  expect(findings.map(({ id }) => id)).toEqual(Object.keys(CHECKS));
  return {
    ...run,
    of(id) {
      const found = findings.find((finding) => finding.id === id);
      return `${found?.status}: ${found?.detail}`;
    },
  };
}

function cli(
  args: readonly string[],
  { env, dir }: Pick<CoreHome, "env" | "dir">,
): Promise<{ readonly code: number; readonly out: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...args], { env, cwd: dir }, (_error, out) =>
      resolve({ code: child.exitCode ?? -1, out }),
    );
  });
}

test("a gateway and its edge that are well are said to be well, and notice nothing", async () => {
  const before = core.log.length;
  const statuses = new Set<number>();
  const over = new AbortController();
  const examined = doctor().finally(() => over.abort());
  while (!over.signal.aborted) {
    const response = await callEdge(edge.url, "/v1/models", { token: home.token });
    statuses.add(response.status);
    await response.arrayBuffer();
  }
  const found = await examined;
  expect(found.code).toBe(0);
  const { checks } = Document.parse(JSON.parse(found.out));
  const failing = checks.filter(({ status }) => status === "failed");
  expect(failing).toEqual([]);
  for (const id of [
    "gateway.token",
    "identity.key",
    "identity.pin",
    "relay.spool",
    "webhook.routes",
    "webhook.published",
    "webhook.guard",
    "webhook.waiting",
    "webhook.dead",
  ]) {
    expect(found.of(id)).toMatch(/^ok: /);
  }
  expect(found.of("webhook.guard")).toContain("/hooks/agent, /hooks/wake");
  expect(found.of("relay.leader")).toMatch(/^ok: work goes to \S+: this core$/);
  expect(found.of("loop.core")).toMatch(/^ok: this core itself answers \(epoch 1, leader\)$/);
  expect(found.of("loop.hops")).toMatch(/^ok: .*edge \d+, queue \d+, tunnel \d+/);
  expect(found.of("model.key")).toMatch(/^warning: demo\/echo/);
  expect([...statuses]).toEqual([200]);
  const lines = core.log.slice(before).filter((line) => line.includes('"part":"tunnel"'));
  expect(lines).toEqual([]);
  for (const secret of [home.token, home.hooksToken, pairing]) {
    expect(found.out).not.toContain(secret);
  }
});

test("for people each check is one line, and the last one counts", async () => {
  const { out, code } = await cli(["doctor", "--port", new URL(core.url).port], home);
  const lines = out.trim().split("\n");
  expect(code).toBe(0);
  expect(lines).toHaveLength(Object.keys(CHECKS).length + 1);
  expect(lines.at(-1)).toMatch(/^\d+ ok, \d+ warnings?, 0 failed, \d+ skipped$/);
});

test("--deep asks the model through the gateway", async () => {
  const found = await doctor("--deep");
  expect(found.of("model.answer")).toMatch(/^ok: the model answered/);
});

test("an edge that has no key for the secrets of webhooks is found", async () => {
  const secret = randomToken();
  await using bare = await startEdge({ bindings: { PAIRING_SECRET: secret, SEAL_KEY: "" } });
  await using place = await createHome(bare, secret);
  const own = await startCore(place, bare);
  const file = join(place.dir, "openclaw.json");
  const config = z.looseObject({}).parse(JSON.parse(await readFile(file, "utf8")));
  const routes = { github: { verify: "github", secret: "gh-secret-0123456789", agent: true } };
  await writeFile(file, JSON.stringify({ ...config, sallyport: { ingress: { routes } } }));
  await until(() => own.log.some((line) => line.includes("SEAL_KEY")));
  const found = await doctorOf(place, own);
  expect(found.of("webhook.published")).toMatch(/^failed: .*no key to keep webhook secrets with/);
  expect(found.of("webhook.guard")).toBe("failed: the edge knows no webhook /hooks/github");
  expect(found.out).not.toContain("gh-secret");
  await own.stop();
});

test("a token the gateway does not know is told from a gateway that is away", async () => {
  const found = await doctor("--token", "wrong-token-of-somebody");
  expect(found.code).toBe(1);
  expect(found.of("gateway.health")).toMatch(/^ok/);
  expect(found.of("gateway.token")).toMatch(/^failed/);
  expect(found.of("loop.hops")).toMatch(/^skipped/);
  expect(found.out).not.toContain("wrong-token-of-somebody");
});

test("a gateway behind its edge is asked through it", async () => {
  const found = await doctor("--url", edge.url.origin, "--token", home.token);
  expect(found.of("gateway.health")).toMatch(/^ok: an edge answers/);
  expect(found.of("gateway.token")).toBe("ok: the gateway accepts the token");
  expect(found.of("gateway.version")).toMatch(/^ok: sallyport/);
  expect(found.of("gateway.role")).toBe("ok: leads and takes work");
  expect(found.code).toBe(0);
  const wrong = await doctor("--url", edge.url.origin, "--token", "wrong-token-of-somebody");
  expect(wrong.of("gateway.token")).toMatch(/^failed/);
  expect(wrong.of("gateway.role")).toMatch(/^skipped/);
});

test("a machine that is a client of a gateway elsewhere looks at that one", async () => {
  const client = await mkdtemp(join(tmpdir(), "sallyport-client-"));
  const remote = { url: edge.url.origin.replace("http", "ws"), token: home.token };
  const config = { gateway: { mode: "remote", remote } };
  await writeFile(join(client, "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
  const env = { PATH: process.env["PATH"] ?? "", OPENCLAW_STATE_DIR: client };
  const found = await lookFrom([], { env, dir: client });
  await rm(client, { recursive: true });
  expect(found.of("config.file")).toMatch(/^ok/);
  expect(found.of("gateway.health")).toMatch(/^ok: an edge answers/);
  expect(found.of("gateway.token")).toMatch(/^ok/);
  expect(found.of("gateway.port")).toBe("skipped: gateway.remote names a gateway elsewhere");
});

test("an edge that was never told our key is found, and is shown no token", async () => {
  await using other = await startEdge({ bindings: { PAIRING_SECRET: randomToken() } });
  const found = await doctor("--edge", other.url.origin);
  expect(found.code).toBe(1);
  expect(found.of("http.edge")).toMatch(/^warning: .*no core is connected/);
  expect(found.of("websocket.upgrade")).toMatch(/^ok/);
  expect(found.of("identity.key")).toMatch(/^failed: the edge does not know our key/);
  expect(found.of("loop.core")).toMatch(/^skipped: there is no token/);
});

test("a proxy that strips Upgrade in front of the edge is found", async () => {
  await using proxy = await startStrippingProxy(edge.url);
  const found = await doctor("--edge", proxy.url.origin);
  expect(found.of("http.edge")).toMatch(/^ok/);
  expect(found.of("websocket.upgrade")).toMatch(/^failed: .*as if it had not been/);
});

test("a gateway that stands by is well, and the one that leads is named", async () => {
  const standby = await startCore(home, edge, ["--standby"]);
  const found = await doctorOf(home, standby);
  expect(found.of("gateway.role")).toMatch(/^ok: stands by/);
  expect(found.of("relay.leader")).toMatch(/^ok: work goes to \S+: .{8} \(leader\)$/);
  expect(found.of("loop.core")).toMatch(/^skipped/);
  expect(found.of("loop.hops")).toMatch(/^ok/);
  expect(found.code).toBe(0);
  expect(await standby.stop()).toBe(0);
});

test("each relay of the edge is looked at, through the gateway and without it", async () => {
  const secret = randomToken();
  await using wide = await startEdge({
    bindings: { PAIRING_SECRET: secret, RELAYS: "weur:1,enam:1" },
  });
  await using place = await createHome(wide, secret);
  const own = await startCore(place, wide);
  const told = await until(async () => {
    const found = await doctorOf(place, own);
    return found.of("relay.connected").startsWith("ok") ? found : undefined;
  });
  expect(told.of("relay.connected")).toMatch(/the gateway is connected to weur:1.*, enam:1/);
  expect(told.of("relay.place")).toMatch(/^warning: weur:1 and enam:1 are in one place/);
  expect(told.code).toBe(0);
  await own.stop();
  const alone = await doctorOf(place, own);
  expect(alone.of("relay.connected")).toMatch(/^ok: reached just now: weur:1.*, enam:1/);
  expect(alone.of("relay.distance")).toMatch(/^ok: weur:1 \S+ ms, enam:1 \S+ ms$/);
});

test("without its gateway, the edge has no core, and nobody leads", async () => {
  expect(await core.stop()).toBe(0);
  const found = await doctor();
  expect(found.code).toBe(1);
  expect(found.of("gateway.health")).toMatch(/^failed: .*nothing listens there/);
  expect(found.of("http.edge")).toMatch(/an edge/);
  expect(found.of("identity.key")).toMatch(/^ok/);
  expect(found.of("relay.leader")).toMatch(/^failed: work goes to \S+: none/);
  expect(found.of("loop.hops")).toMatch(/^failed: /);

  const file = join(home.dir, "tunnel.json");
  const identity = z.looseObject({}).parse(JSON.parse(await readFile(file, "utf8")));
  const pins = { [edge.url.host]: "a".repeat(43) };
  await writeFile(file, JSON.stringify({ ...identity, pins }));
  expect((await doctor()).of("identity.pin")).toMatch(/^failed: .*the one we know is aaaa/);
  await writeFile(file, JSON.stringify(identity));
  core = await startCore(home, edge);
});
