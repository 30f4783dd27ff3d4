import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import * as z from "zod";
import { FAKE_ACCOUNT, FAKE_TOKEN, startFakeCloudflare } from "../support/fake-cloudflare.ts";

const MAIN = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));

const Deployed = z.object({
  event: z.literal("deployed"),
  name: z.string(),
  url: z.url(),
  versionId: z.string(),
  pairingFile: z.string(),
  connect: z.array(z.string()).length(2),
});

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The program as people run it, with the real wrangler, an account of its own and an empty home. */
async function world() {
  await using parts = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "sallyport-deploy-test-"));
  parts.defer(() => rm(home, { recursive: true }));
  const temporary = join(home, "tmp");
  await mkdir(temporary);
  const cloudflare = parts.use(await startFakeCloudflare());
  const edge = parts.use(await startDeployedEdge());
  const env = {
    PATH: process.env["PATH"],
    HOME: home,
    TMPDIR: temporary,
    CLOUDFLARE_API_BASE_URL: cloudflare.baseUrl,
    CLOUDFLARE_API_TOKEN: FAKE_TOKEN,
    CLOUDFLARE_ACCOUNT_ID: FAKE_ACCOUNT,
    // Wrangler asks after a newer wrangler when something goes wrong.
    npm_config_registry: cloudflare.baseUrl,
  };
  const moved = parts.move();
  return {
    home,
    temporary,
    cloudflare,
    check: ["--check-url", edge.url],
    run: (args: readonly string[], change: Record<string, string> = {}): Promise<Run> =>
      new Promise((resolve) => {
        const options = { cwd: home, env: { ...env, ...change } };
        const child = execFile(process.execPath, [MAIN, "edge", ...args], options, (_, out, err) =>
          resolve({ code: child.exitCode, out, err }),
        );
      }),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** What answers at the address of the deployed Worker. */
async function startDeployedEdge(): Promise<{ url: string } & AsyncDisposable> {
  const health = { ok: true, status: "live", edge: { version: "1" }, core: { connected: false } };
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    // A new address is not known everywhere at once.
    if (asked === 1) response.writeHead(522).end();
    else if (request.url === "/health") response.end(JSON.stringify(health));
    else response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

test("a first deploy sends script, bindings, migration and secret as one version", async () => {
  await using it = await world();
  const { code, out, err } = await it.run(["deploy", "--json", "--message", "first", ...it.check]);
  expect(code, err).toBe(0);
  const deployed = Deployed.parse(JSON.parse(out));
  expect(deployed.url).toBe("https://sallyport.acme.workers.dev");

  const worker = it.cloudflare.worker("sallyport");
  expect(worker.versions).toHaveLength(1);
  expect(worker.live.id).toBe(deployed.versionId);
  const { metadata, modules } = worker.live;
  expect(modules.get("worker.js")).toContain("cloudflare:workers");
  expect(metadata).toMatchObject({
    compatibility_flags: [
      "enable_request_signal",
      "request_signal_passthrough",
      "no_web_socket_compression",
    ],
    migrations: { new_tag: "v1", steps: [{ new_sqlite_classes: ["Relay"] }] },
    code_update_strategy: { mode: "deferred", max_delay: 3600 },
    annotations: { "workers/message": "first" },
  });
  const pairing = (await readFile(deployed.pairingFile, "utf8")).trim();
  const sealKeyFile = deployed.pairingFile.replace("edge-pairing-", "edge-seal-");
  const sealKey = (await readFile(sealKeyFile, "utf8")).trim();
  expect(metadata.bindings).toEqual(
    expect.arrayContaining([
      { name: "RELAY", type: "durable_object_namespace", class_name: "Relay" },
      { name: "PAIRING_SECRET", type: "secret_text", text: pairing },
      { name: "SEAL_KEY", type: "secret_text", text: sealKey },
      expect.objectContaining({ name: "CLIENT_RATE", type: "ratelimit" }),
      { name: "TENANT", type: "plain_text", text: "default" },
    ]),
  );
  expect(worker.subdomain).toMatchObject({ enabled: true, previews_enabled: false });

  for (const file of [deployed.pairingFile, sealKeyFile]) {
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  }
  expect(deployed.connect[0]).toContain(`SALLYPORT_EDGE_URL='${deployed.url}'`);
  expect(deployed.connect[1]).toBe("npx sallyport gateway");
  expect(out + err).not.toContain(pairing);
  expect(out + err).not.toContain(sealKey);
  expect(out + err).not.toContain(FAKE_TOKEN);
  const left = await readdir(it.temporary);
  expect(left.filter((name) => name.startsWith("sallyport-"))).toEqual([]);
});

test("a second deploy keeps secret, domain and relays, and takes no migration twice", async () => {
  await using it = await world();
  const flags = ["--domain", "edge.example.com", "--relays", "weur:1,enam:1"];
  const first = await it.run(["deploy", "--json", ...flags, ...it.check]);
  expect(first.code, first.err).toBe(0);
  const second = await it.run(["deploy", "--json", ...it.check]);
  expect(second.code, second.err).toBe(0);
  expect(Deployed.parse(JSON.parse(second.out)).url).toBe("https://edge.example.com");

  const worker = it.cloudflare.worker("sallyport");
  expect(worker.versions).toHaveLength(2);
  const [newer, older] = worker.versions;
  expect(newer?.metadata.migrations).toBeUndefined();
  expect(newer?.metadata.bindings).toEqual(older?.metadata.bindings);
  expect(newer?.metadata.bindings).toContainEqual({
    name: "RELAYS",
    type: "plain_text",
    text: "weur:1,enam:1",
  });
  expect(worker.live.id).toBe(newer?.id);
  expect(worker.deployments[0]?.codeUpdateStrategy).toEqual({ mode: "deferred", max_delay: 3600 });
  expect(worker.domains).toEqual(["edge.example.com"]);
  expect(worker.subdomain.enabled).toBe(false);
});

test("status says what is deployed and whether it answers, and rollback goes one back", async () => {
  await using it = await world();
  await it.run(["deploy", "--json", ...it.check]);
  await it.run(["deploy", "--json", ...it.check]);
  const worker = it.cloudflare.worker("sallyport");
  const [newer, older] = worker.versions.map(({ id }) => id);

  const status = await it.run(["status", "--json", ...it.check]);
  expect(JSON.parse(status.out)).toMatchObject({
    name: "sallyport",
    url: "https://sallyport.acme.workers.dev",
    versions: [{ id: newer, percentage: 100 }],
    live: true,
    core: { connected: false },
  });
  expect(status.code).toBe(0);

  const back = await it.run(["rollback", "--message", "too hasty", ...it.check]);
  expect(back.code, back.err).toBe(0);
  expect(worker.live.id).toBe(older);
  expect(worker.deployments[0]?.annotations).toMatchObject({ "workers/message": "too hasty" });
  const human = await it.run(["status", ...it.check]);
  expect(human.out).toContain(older);
  expect(human.out).toContain("no core is connected");

  const named = await it.run(["rollback", newer ?? "", ...it.check]);
  expect(named.code, named.err).toBe(0);
  expect(worker.live.id).toBe(newer);
});

test("a dry run builds and checks, and sends nothing", async () => {
  await using it = await world();
  const { code, err } = await it.run(["deploy", "--dry-run"], { CLOUDFLARE_API_TOKEN: "" });
  expect(code, err).toBe(0);
  expect(err).toContain("env.RELAY");
  expect(it.cloudflare.calls).toEqual([]);
});

const nobody = "http://127.0.0.1:9";

test.each<[string, string[], Record<string, string>, RegExp]>([
  ["without a token", ["deploy"], { CLOUDFLARE_API_TOKEN: "" }, /set CLOUDFLARE_API_TOKEN/],
  [
    "with a wrong token",
    ["deploy"],
    { CLOUDFLARE_API_TOKEN: "wrong" },
    /refused CLOUDFLARE_API_TOKEN/,
  ],
  ["without a network", ["deploy"], { CLOUDFLARE_API_BASE_URL: nobody }, /API cannot be reached/],
  [
    "of an edge that does not come up",
    ["deploy", "--check-url", nobody, "--check-seconds", "0"],
    {},
    /deployed, but .*does not answer/,
  ],
  ["asked for a Worker that is not there", ["status", "--name", "other"], {}, /"other" failed/],
  [
    "with a domain that is none",
    ["deploy", "--domain", "https://x"],
    {},
    /--domain must be a host name/,
  ],
])("a deploy %s fails in one line that says what to do", async (_name, args, env, expected) => {
  await using it = await world();
  const { code, err, out } = await it.run([...args, "--json"], env);
  expect(code).toBe(1);
  const ours = err.split("\n").filter((line) => line.startsWith("sallyport: "));
  expect(ours).toEqual([expect.stringMatching(expected)]);
  const error = { type: "cli_error", message: ours[0]?.replace("sallyport: ", "") };
  expect(JSON.parse(out)).toEqual({ ok: false, error });
});

test("a migration that Cloudflare refuses changes nothing and is explained", async () => {
  await using it = await world();
  await it.run(["deploy", "--json", ...it.check]);
  const worker = it.cloudflare.worker("sallyport");
  // As another tool has left it: the class is there, and the history is another one.
  worker.migrationTag = "other-1";
  const { id } = worker.live;
  const { code, err } = await it.run(["deploy", "--json", ...it.check]);
  expect(code).toBe(1);
  expect(err).toMatch(/refused the Durable Object migration.*10074/);
  expect(worker.live.id).toBe(id);
});

test("a pairing file that somebody has spoilt is not sent", async () => {
  await using it = await world();
  await it.run(["deploy", "--json", ...it.check]);
  const file = join(it.home, ".openclaw", "credentials", "edge-pairing-sallyport");
  await writeFile(file, "short\n");
  const { code, err } = await it.run(["deploy", "--json", ...it.check]);
  expect(code).toBe(1);
  expect(err).toContain("does not hold a pairing secret");
  expect(it.cloudflare.worker("sallyport").versions).toHaveLength(1);
});
