import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { readWrangler } from "./settings.ts";
import { edgeWorker, workerdConfig, type WorkerdWorker } from "./workerd-config.ts";
import { startWorkerd } from "./workerd.ts";

const COUNTER = `import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS hits (at INTEGER)");
  }
  fetch() {
    this.ctx.storage.sql.exec("INSERT INTO hits VALUES (1)");
    return new Response(String(this.ctx.storage.sql.exec("SELECT * FROM hits").toArray().length));
  }
}
export default {
  fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/secret") return new Response(env.SECRET);
    if (pathname === "/url") return new Response(request.url);
    if (pathname === "/rate") {
      return env.RATE.limit({ key: "one" }).then(({ success }) => new Response(String(success)));
    }
    if (pathname === "/ip") return new Response(request.headers.get("CF-Connecting-IP") ?? "none");
    if (pathname === "/out") {
      return fetch(request.headers.get("X-Target")).then(
        () => new Response("reached"),
        () => new Response("refused"),
      );
    }
    return env.COUNTER.get(env.COUNTER.idFromName("one")).fetch(request);
  },
};
`;

const worker = {
  name: "test",
  script: COUNTER,
  compatibilityDate: "2026-07-30",
  compatibilityFlags: [],
  bindings: {},
  durableObjects: [{ binding: "COUNTER", className: "Counter", sqlite: true }],
  host: "127.0.0.1",
  port: 0,
} satisfies Omit<WorkerdWorker, "storageDir">;

async function run(change: Partial<WorkerdWorker> = {}) {
  await using parts = new AsyncDisposableStack();
  const storageDir = await mkdtemp(join(tmpdir(), "workerd-"));
  parts.defer(() => rm(storageDir, { recursive: true }));
  const config = workerdConfig({ ...worker, storageDir, ...change });
  const workerd = parts.use(await startWorkerd(config, () => {}));
  const running = parts.move();
  return {
    workerd,
    get: async (path: string, headers: Record<string, string> = {}) => {
      const response = await fetch(`http://127.0.0.1:${workerd.port}${path}`, { headers });
      return response.text();
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

test("the checkout's wrangler.toml becomes a Worker with its relay, variables and secrets", async () => {
  const settings = await readWrangler();
  const local = { port: 0, storageDir: "/data", bindings: { PAIRING_SECRET: "s" } };
  expect(edgeWorker(settings, "export {}", local)).toEqual({
    name: "sallyport",
    script: "export {}",
    compatibilityDate: settings.compatibility_date,
    compatibilityFlags: settings.compatibility_flags,
    bindings: { ...settings.vars, PAIRING_SECRET: "s" },
    durableObjects: [{ binding: "RELAY", className: "Relay", sqlite: true }],
    storageDir: "/data",
    host: "127.0.0.1",
    port: 0,
    rateLimits: [],
  });
  expect(edgeWorker(settings, "", { ...local, rateLimits: true }).rateLimits).toContainEqual({
    binding: "CLIENT_RATE",
    limit: 3000,
    periodMs: 10_000,
  });
});

test("any text reaches the Worker as it was written", async () => {
  const secret = `"quotes", \\backslashes\\, new\nlines, \ttabs, ümlauts, 日本 and \u0001 \\x41`;
  await using edge = await run({ bindings: { SECRET: secret } });
  expect(await edge.get("/secret")).toBe(secret);
});

test("an address that a client claims is not believed", async () => {
  await using edge = await run();
  expect(await edge.get("/ip", { "CF-Connecting-IP": "192.0.2.1" })).toBe("none");
});

test("a front on the Unix socket is believed who the client is and how it came", async () => {
  const folder = await mkdtemp(join(tmpdir(), "workerd-"));
  const frontSocket = join(folder, "http.sock");
  await using edge = await run({ frontSocket });
  expect(edge.workerd.port).toBe(0);
  const get = async (path: string): Promise<string> => {
    const headers = {
      Host: "edge.test",
      "CF-Connecting-IP": "192.0.2.1",
      "X-Forwarded-Proto": "https",
    };
    const asked = request({ socketPath: frontSocket, path, headers }).end();
    const [answer] = await once(asked, "response");
    return text(answer);
  };
  expect(await get("/ip")).toBe("192.0.2.1");
  expect(await get("/url")).toBe("https://edge.test/url");
  await rm(folder, { recursive: true });
});

test("a rate limit counts, and refuses beyond its number", async () => {
  await using edge = await run({
    rateLimits: [{ binding: "RATE", limit: 2, periodMs: 3_600_000 }],
  });
  const answers = [await edge.get("/rate"), await edge.get("/rate"), await edge.get("/rate")];
  expect(answers).toEqual(["true", "true", "false"]);
});

test("the runtime ends with the process that started it, even by kill -9", async () => {
  const module = JSON.stringify(new URL("./workerd.ts", import.meta.url).href);
  const storageDir = await mkdtemp(join(tmpdir(), "workerd-"));
  const config = JSON.stringify(workerdConfig({ ...worker, storageDir }));
  const script = `const { startWorkerd } = await import(${module});
    const { pid } = await startWorkerd(${config}, () => {});
    console.log(pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface({ input: parent.stdout }), "line");
  const pid = Number(line);
  process.kill(pid, 0);
  parent.kill("SIGKILL");
  await expect.poll(() => isAlive(pid)).toBe(false);
  await rm(storageDir, { recursive: true });
});

test("a runtime that is killed is gone, and so is its guard", async () => {
  await using edge = await run();
  process.kill(edge.workerd.pid, "SIGKILL");
  await edge.workerd.exited;
  expect(isAlive(edge.workerd.pid)).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("the Worker reaches nobody", async () => {
  await using edge = await run();
  const target = `http://127.0.0.1:${edge.workerd.port}/ip`;
  expect(await edge.get("/out", { "X-Target": target })).toBe("refused");
});

test("what a Durable Object has stored is there after a restart", async () => {
  const storageDir = await mkdtemp(join(tmpdir(), "workerd-"));
  for (const expected of ["1", "2"]) {
    await using edge = await run({ storageDir });
    expect(await edge.get("/")).toBe(expected);
  }
  await rm(storageDir, { recursive: true });
});

test("disposing ends the process, and its end can be waited for", async () => {
  await using edge = await run();
  const { workerd } = edge;
  process.kill(workerd.pid, 0);
  await workerd[Symbol.asyncDispose]();
  await workerd.exited;
  expect(() => process.kill(workerd.pid, 0)).toThrow(/ESRCH/);
  await workerd[Symbol.asyncDispose]();
});

test("no secret is to be seen in the process list or its environment", async () => {
  await using edge = await run({ bindings: { SECRET: "not-for-everyone" } });
  const { pid } = edge.workerd;
  const seen = [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`].map((file) =>
    readFile(file, "utf8").catch(() => ""),
  );
  expect((await Promise.all(seen)).join("")).not.toContain("not-for-everyone");
});

test("a script that does not load is an error in the runtime's own words", async () => {
  await expect(run({ script: "this is no script" })).rejects.toThrow(/SyntaxError/);
});

test("a port in use is an error", async () => {
  await using first = await run();
  await expect(run({ port: first.workerd.port })).rejects.toThrow(/in use/i);
});
