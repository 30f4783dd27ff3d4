/** Addresses that somebody else has planted: the program must not go there with what is ours, nor the gateway at all. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bystander, startBystander } from "../support/bystander.ts";
import { reply } from "../support/fake-model.ts";
import { DOORS, type OpenAiWorld, startOpenAiWorld } from "../support/openai-world.ts";
import { type Run, runProgram } from "../support/run-program.ts";

const OURS = "the-token-of-this-machine-0123456789";
const THEIRS = "the-token-that-was-meant-for-them";

/** A machine with a gateway of its own in its config, and what else is planted there. */
async function command(
  args: readonly string[],
  planted: { readonly config?: object; readonly env?: object; readonly dotEnv?: string },
): Promise<Run> {
  const home = await mkdtemp(join(tmpdir(), "security-addresses-"));
  try {
    const gateway = { mode: "local", port: 1, auth: { token: OURS } };
    const config = { gateway: { ...gateway, ...planted.config } };
    const file = { OPENCLAW_STATE_DIR: home, HOME: home, PATH: process.env["PATH"] };
    await writeFile(join(home, "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
    const cwd = await mkdtemp(join(home, "cwd-"));
    if (planted.dotEnv !== undefined) await writeFile(join(cwd, ".env"), planted.dotEnv);
    return await runProgram([...args, "--json"], { cwd, env: { ...file, ...planted.env } });
  } finally {
    await rm(home, { recursive: true });
  }
}

const COMMANDS = [["health"], ["status"], ["gateway", "call", "health"], ["gateway", "probe"]];

let other: Bystander;
beforeAll(async () => {
  other = await startBystander();
});
afterAll(() => other[Symbol.asyncDispose]());

test.each(COMMANDS)(
  "gateway URL injection: %s %s sends nobody the token of this machine",
  async (...words) => {
    const ws = other.url.replace("http", "ws");
    const token = { OPENCLAW_GATEWAY_TOKEN: OURS };
    const remote = { mode: "remote", remote: { url: ws } };
    await command([...words, "--url", ws], {});
    await command([...words, "--url", ws], { env: token });
    await command(words, { env: { OPENCLAW_GATEWAY_URL: ws } });
    await command(words, { config: remote, env: token });
    await command(words, { config: { remote: { url: ws } }, env: token });
    await command(words, { env: token, dotEnv: `OPENCLAW_GATEWAY_URL=${ws}` });
    await command([...words, "--url", `${ws}/?token=x`], { env: token });
    // It was asked, and not told.
    expect(other.heard).not.toEqual([]);
    expect(other.heard.join("\n")).not.toContain(OURS);
  },
);

test("an address with credentials of its own gets those", async () => {
  const ws = other.url.replace("http", "ws");
  await command(["gateway", "call", "health", "--url", ws, "--token", THEIRS], {});
  expect(other.heard.join("\n")).toContain(THEIRS);
  expect(other.heard.join("\n")).not.toContain(OURS);
});

test("a .env where the program was started names no gateway", async () => {
  await using elsewhere = await startBystander();
  const ran = await command(["gateway", "call", "health"], {
    dotEnv: `OPENCLAW_GATEWAY_URL=${elsewhere.url}\nOPENCLAW_GATEWAY_TOKEN=x\n`,
  });
  expect(ran.code).toBe(1);
  expect(elsewhere.heard).toEqual([]);
});

test("SSRF: nothing that a client says makes the gateway call an address", async () => {
  await using inside = await startBystander();
  const secret = `${inside.url}/latest/meta-data`;
  await using world: OpenAiWorld = await startOpenAiWorld({
    agents: {
      defaults: { model: "openai/gpt-test" },
      entries: { main: { identity: { name: "Main", avatar: `${secret}/avatar.png` } } },
    },
  });
  world.model.always(reply("answered"));
  const image = { type: "image_url", image_url: { url: secret } };
  const bodies: readonly (readonly [string, object])[] = [
    ["/v1/chat/completions", { messages: [{ role: "user", content: [image] }] }],
    [
      "/v1/responses",
      { input: [{ role: "user", content: [{ type: "input_image", image_url: secret }] }] },
    ],
    [
      "/v1/responses",
      { input: [{ role: "user", content: [{ type: "input_file", file_url: secret }] }] },
    ],
    [
      "/v1/responses",
      { input: [{ role: "user", content: [{ type: "input_image", file_id: secret }] }] },
    ],
    ["/v1/embeddings", { input: "x", base_url: secret }],
    ["/tools/invoke", { tool: "web_fetch", args: { url: secret } }],
    [
      "/hooks/agent",
      { message: `read ${secret}`, url: secret, callbackUrl: secret, model: secret },
    ],
    ["/hooks/wake", { text: "x", url: secret }],
  ];
  for (const door of DOORS) {
    for (const [path, body] of bodies) {
      const isHook = path.startsWith("/hooks/");
      const token = isHook ? world.home.hooksToken : world.home.token;
      const answer = await world.call(door, path, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
        body: JSON.stringify({ model: "openclaw", ...body }),
      });
      await answer.arrayBuffer();
      if (path.startsWith("/v1/"))
        expect(answer.status, JSON.stringify(body)).toBeGreaterThanOrEqual(400);
      expect(answer.status, JSON.stringify(body)).toBeLessThan(500);
    }
    // Its picture is the owner's to say, and is looked up by whoever shows it.
    for (const path of ["/control-ui-config.json", "/v1/models"]) {
      await (await world.call(door, path)).arrayBuffer();
    }
  }
  expect(inside.heard).toEqual([]);
});
