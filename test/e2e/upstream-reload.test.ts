import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { startEdge } from "../support/edge.ts";
import { listening } from "../support/http-upstream.ts";
import { WARM } from "../support/warm.ts";

const MAIN = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));
/** Between two looks at an edge that is about to be told. */
const LOOK_MS = 50;

test("a webhook of the upstream that is added to the file is taken in without a restart", async () => {
  await using parts = new AsyncDisposableStack();
  const posts: string[] = [];
  const http = parts.use(
    await listening(
      createServer((request, response) => {
        posts.push(request.url ?? "");
        response.end();
      }),
    ),
  );
  const pairing = randomToken();
  const edge = parts.use(await startEdge({ bindings: { PAIRING_SECRET: pairing } }));
  const dir = await mkdtemp(join(tmpdir(), "sallyport-"));
  parts.defer(() => rm(dir, { recursive: true }));
  const configure = (ingress: object, webhooks: string[]): Promise<void> =>
    writeFile(
      join(dir, "openclaw.json"),
      JSON.stringify({ sallyport: { ingress, upstream: { url: http.url.origin, webhooks } } }),
    );
  await configure({}, []);
  const child = spawn(process.execPath, [MAIN, "connect", "--json"], {
    cwd: dir,
    env: {
      ...WARM,
      PATH: process.env["PATH"] ?? "",
      HOME: dir,
      OPENCLAW_STATE_DIR: dir,
      SALLYPORT_EDGE_URL: edge.url.origin,
      SALLYPORT_EDGE_PAIRING: pairing,
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exited = once(child, "exit");
  parts.defer(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  await once(createInterface({ input: child.stdout }), "line");

  const body = "{}";
  const signature = createHmac("sha256", "s").update(body).digest("hex");
  const post = async (): Promise<number> => {
    const headers = {
      "X-Hub-Signature-256": `sha256=${signature}`,
      "X-GitHub-Delivery": randomToken(),
    };
    const url = new URL("/hooks/ci", edge.url);
    return (await fetch(url, { method: "POST", headers, body })).status;
  };
  expect(await post()).toBe(404);
  await configure({ routes: { ci: { verify: "github", secret: "s" } } }, ["ci"]);
  while ((await post()) !== 200) await sleep(LOOK_MS);
  expect(posts).toEqual(["/hooks/ci"]);
});
