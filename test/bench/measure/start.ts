import { request } from "node:http";
import { once } from "node:events";
import { Child } from "../processes/child.ts";
import { firstLine, launchCore, makeCoreHome } from "../processes/core.ts";
import { interleave, median, pairedRatio } from "../stats.ts";
import { atMost, type Findings, type Row } from "../table.ts";
import type { World } from "../world.ts";

/** Milliseconds from starting the process until `/health` answers. */
const BUDGET_MS = 500;

const HELLO = `require("node:http").createServer((_, response) => response.end("hello"))
  .listen(0, "127.0.0.1", function () { console.log(JSON.stringify(this.address())); });`;

/** How soon a core takes work, beside the least that Node can serve. */
export async function measureStart(world: World): Promise<Findings> {
  const model = await world.model();
  const cold = await startCore(world, undefined);
  await startCore(world, model);
  const { demo, openai, bare } = await interleave(world.quick ? 3 : 9, {
    demo: () => startCore(world, undefined),
    openai: () => startCore(world, model),
    bare: () => startHello(world),
  });
  const row = (what: string, samples: readonly number[]): Row => ({
    what,
    measured: { value: median(samples), unit: "ms" },
    peer: { value: median(bare), unit: "ms", name: "bare node:http" },
    ratio: pairedRatio(samples, bare),
    budget: atMost(median(samples), BUDGET_MS, `${BUDGET_MS} ms`),
  });
  return {
    rows: [
      row("core: process start to /health, built-in model", demo),
      row("core: process start to /health, OpenAI-compatible model", openai),
    ],
    notes: [
      `Core start: fresh state folder, warm compile cache. With a cold one, the very first start: ${Math.round(cold)} ms.`,
    ],
  };
}

async function startCore(world: World, model: string | undefined): Promise<number> {
  const home = await makeCoreHome(world.folder, model === undefined ? {} : { model });
  const startedAt = performance.now();
  const { child, port } = await launchCore(home, world.folder);
  try {
    await isServed(port, "/health");
    return performance.now() - startedAt;
  } finally {
    // Killed, it would leave no compiled code behind for the next one.
    await child.stop();
  }
}

async function startHello({ folder }: World): Promise<number> {
  const startedAt = performance.now();
  await using child = new Child([process.execPath, "-e", HELLO], { folder, stdout: true });
  const { port } = Object(JSON.parse(await firstLine(child)));
  await isServed(Number(port), "/");
  return performance.now() - startedAt;
}

async function isServed(port: number, path: string): Promise<void> {
  const sent = request({ port, path, host: "127.0.0.1", agent: false });
  sent.end();
  const [response] = await once(sent, "response");
  response.resume();
  if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}`);
}
