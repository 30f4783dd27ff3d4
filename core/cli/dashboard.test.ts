import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Secret } from "../../shared/secret.ts";
import { createCommandHome } from "../../test/support/command-home.ts";
import { closedPort } from "../../test/support/examined.ts";
import { addressOf } from "./dashboard/address.ts";
import { dashboard } from "./dashboard.ts";

const TOKEN = "a-token-of-43-characters-0123456789abcdefghi";

async function home(config: object = {}) {
  const made = await createCommandHome({ OPENCLAW_GATEWAY_TOKEN: TOKEN });
  onTestFinished(() => made[Symbol.asyncDispose]());
  await mkdir(made.stateDir, { mode: 0o700 });
  await writeFile(join(made.stateDir, "openclaw.json"), JSON.stringify(config));
  return made;
}

test("a terminal is shown the token behind the #, and nowhere else", async () => {
  const it = await home({ gateway: { port: 19_123, controlUi: { basePath: "/openclaw" } } });
  const run = await it.run(dashboard, ["--no-open"], { isTerminal: true });
  expect(run.out).toBe(`http://127.0.0.1:19123/openclaw/#token=${TOKEN}`);
  expect(new URL(run.out).search).toBe("");
});

test.each([[["--no-open"]], [[]], [["--json"]]])("a pipe is not shown it: %j", async (args) => {
  const it = await home({ gateway: { port: 19_123 } });
  const run = await it.run(dashboard, args);
  expect(run.code).toBe(0);
  expect(run.out + run.err).not.toContain(TOKEN);
  expect(run.out).toContain("http://127.0.0.1:19123/");
});

test("a pipe is shown it when somebody says so", async () => {
  const it = await home({ gateway: { port: 19_123 } });
  const run = await it.run(dashboard, ["--json", "--show-token"]);
  const url = `http://127.0.0.1:19123/#token=${TOKEN}`;
  expect(JSON.parse(run.out)).toEqual({ url, hasToken: true, opened: false, found: "nobody" });
});

test("a token is written so that a browser reads it back whole", () => {
  const page = { url: "https://gw.example", basePath: "/ui/" };
  const address = addressOf(page, new Secret("a b&c#d"));
  expect(address).toBe("https://gw.example/ui/#token=a%20b%26c%23d");
  expect(new URLSearchParams(new URL(address).hash.slice(1)).get("token")).toBe("a b&c#d");
  expect(addressOf(page, undefined)).toBe("https://gw.example/ui/");
});

/** Something at an address, and who came there. */
async function site(status: number) {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.url} ${request.headers.accept} ${request.headers.authorization}`);
    response.writeHead(status, { Location: "/auth/login" }).end("<p>hello</p>");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = Object(server.address());
  return { port, seen };
}

test.each([
  [200, "page", ""],
  [302, "page", ""],
  [404, "no_page", "no page is there"],
])("what is there is told: %i is %s", async (status, found, warning) => {
  const { port, seen } = await site(status);
  const it = await home({ gateway: { port, controlUi: { basePath: "/ui" } } });
  const json = await it.run(dashboard, ["--json"]);
  expect(JSON.parse(json.out)).toMatchObject({ found });
  const run = await it.run(dashboard, ["--no-open"], { isTerminal: true });
  expect(run.code).toBe(0);
  expect(run.err).toContain(warning);
  expect(run.err === "").toBe(warning === "");
  expect(seen).toEqual(Array(2).fill(`/ui/ text/html Bearer ${TOKEN}`));
});

test("a gateway that is away is said to be", async () => {
  const it = await home({ gateway: { port: await closedPort() } });
  const run = await it.run(dashboard, [], { isTerminal: true });
  expect(run).toMatchObject({ code: 0, err: expect.stringContaining("no gateway answers there") });
});

test("another gateway is asked at its root, whatever this one's config says", async () => {
  const { port, seen } = await site(200);
  const it = await home({ gateway: { controlUi: { basePath: "/ui" } } });
  const run = await it.run(dashboard, ["--url", `http://127.0.0.1:${port}`, "--token", TOKEN]);
  expect(run.out).toBe(`http://127.0.0.1:${port}/`);
  expect(seen).toEqual([`/ text/html Bearer ${TOKEN}`]);
});
