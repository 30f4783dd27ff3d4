import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WebSocketServer } from "ws";
import type { Io } from "./command.ts";
import { failureTypeOf } from "./failure.ts";
import { askGateway } from "./client.ts";
import { elsewhereOf, targetOf } from "./target.ts";

const LOCAL = "the-token-of-this-machine";

async function machine(config: object, env: Readonly<Record<string, string>> = {}) {
  const home = await mkdtemp(join(tmpdir(), "target-"));
  await mkdir(join(home, ".openclaw"), { mode: 0o700 });
  await writeFile(join(home, ".openclaw", "openclaw.json"), JSON.stringify(config));
  const io: Io = {
    env,
    cwd: home,
    home,
    uid: process.getuid?.(),
    pid: 1,
    colours: false,
    out: () => undefined,
    err: () => undefined,
    log: { write: () => undefined },
    stop: new AbortController().signal,
    supervised: false,
  };
  return { io, [Symbol.asyncDispose]: () => rm(home, { recursive: true, maxRetries: 5 }) };
}

const HERE = { gateway: { port: 1234, auth: { token: LOCAL } } };
const REMOTE = {
  gateway: {
    ...HERE.gateway,
    mode: "remote",
    remote: { url: "wss://gw.example", token: "theirs" },
  },
};

interface Case {
  readonly config?: object;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: Readonly<Record<string, string>>;
  readonly url: string;
  readonly token?: string;
  readonly password?: string;
}

test.each<[string, Case]>([
  ["this machine", { url: "http://127.0.0.1:1234", token: LOCAL }],
  ["another port of it", { flags: { port: "5" }, url: "http://127.0.0.1:5", token: LOCAL }],
  ["an address", { flags: { url: "wss://a.example/x/" }, url: "https://a.example/x" }],
  [
    "an address with its token",
    { flags: { url: "http://10.0.0.1:9", token: "t" }, url: "http://10.0.0.1:9", token: "t" },
  ],
  [
    "an address with its password",
    { flags: { url: "https://a.example", password: "p" }, url: "https://a.example", password: "p" },
  ],
  [
    "a variable",
    {
      env: { OPENCLAW_GATEWAY_URL: "wss://b.example", OPENCLAW_GATEWAY_TOKEN: "e" },
      url: "https://b.example",
      token: "e",
    },
  ],
  [
    "a variable alone",
    { env: { OPENCLAW_GATEWAY_URL: "wss://b.example" }, url: "https://b.example" },
  ],
  [
    "a flag before a variable",
    {
      env: { OPENCLAW_GATEWAY_URL: "wss://b.example", OPENCLAW_GATEWAY_TOKEN: "e" },
      flags: { url: "https://a.example" },
      url: "https://a.example",
    },
  ],
  ["the remote of the config", { config: REMOTE, url: "https://gw.example", token: "theirs" }],
  [
    "a remote without a credential of its own",
    {
      config: {
        gateway: { ...HERE.gateway, mode: "remote", remote: { url: "wss://evil.example" } },
      },
      env: { OPENCLAW_GATEWAY_TOKEN: "of-this-machine" },
      url: "https://evil.example",
    },
  ],
])("%s gets the credentials that belong to it", async (_name, one) => {
  await using at = await machine(one.config ?? HERE, one.env);
  const target = await targetOf(one.flags ?? {}, at.io);
  expect(target.url).toBe(one.url);
  expect(target.token?.reveal()).toBe(one.token);
  expect(target.password?.reveal()).toBe(one.password);
});

test("a config cannot name an address that variables of the process would be sent to", async () => {
  const config = {
    ...HERE,
    env: { vars: { OPENCLAW_GATEWAY_URL: "wss://evil.example" } },
  };
  await using at = await machine(config, { OPENCLAW_GATEWAY_TOKEN: "of-this-machine" });
  expect((await targetOf({}, at.io)).url).toBe("http://127.0.0.1:1234");
});

test.each([
  ["no address", "gw.example", "must be the address of a gateway"],
  ["another protocol", "ftp://gw.example", "must be the address of a gateway"],
  ["a token in it", "https://gw.example/?token=x", "an address and nothing else"],
  ["a user in it", "https://u:p@gw.example", "an address and nothing else"],
])("--url with %s is refused", async (_name, url, message) => {
  await using at = await machine(HERE);
  await expect(targetOf({ url }, at.io)).rejects.toThrow(message);
});

test("a credential does not cross the internet in the clear", async () => {
  await using at = await machine(HERE);
  const flags = { url: "ws://gw.example", token: "t" };
  await expect(targetOf(flags, at.io)).rejects.toThrow("is not encrypted");
  expect((await targetOf({ url: "ws://gw.example" }, at.io)).url).toBe("http://gw.example");
});

test("a gateway named by its URL is asked for without what opens this machine", async () => {
  await using at = await machine(HERE, { OPENCLAW_GATEWAY_TOKEN: LOCAL });
  await using parts = new AsyncDisposableStack();
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const heard: string[] = [];
  const sockets = new WebSocketServer({ server });
  parts.defer(() => {
    sockets.close();
    server.close();
  });
  sockets.on("connection", (socket, request) => {
    heard.push(JSON.stringify(request.headers));
    socket.on("message", (data: Buffer) => {
      heard.push(data.toString("utf8"));
      const error = { code: "NOT_PAIRED", message: "device identity required" };
      const details = { code: "DEVICE_IDENTITY_REQUIRED" };
      const refusal = { type: "res", id: "1", ok: false, error: { ...error, details } };
      socket.send(JSON.stringify(refusal));
    });
    socket.send(JSON.stringify({ type: "event", event: "connect.challenge", payload: {} }));
  });
  const { port } = addressOf(server.address());
  const target = await targetOf({ url: `ws://127.0.0.1:${port}` }, at.io);
  const error: unknown = await askGateway(target, "health", {}).catch((reason: unknown) => reason);
  expect(failureTypeOf(error)).toBe("gateway_credentials_required");
  expect(String(error)).toContain("--token");
  expect(heard.join()).not.toContain(LOCAL);
});

test("a config that is refused is in nobody's way who asks a gateway that runs", async () => {
  await using at = await machine(HERE);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = addressOf(server.address());
  const file = join(at.io.home, ".openclaw", "openclaw.json");
  await writeFile(file, "{ gateway: { port: ");
  const good = { gateway: { port, auth: { token: LOCAL } } };
  await expect(targetOf({}, at.io)).rejects.toThrow("syntax");
  await writeFile(`${file}.last-good`, JSON.stringify(good));
  const told: string[] = [];
  const target = await targetOf({}, { ...at.io, err: (line) => void told.push(line) });
  expect(target.url).toBe(`http://127.0.0.1:${port}`);
  expect(target.token?.reveal()).toBe(LOCAL);
  expect(told.join()).toMatch(/^warning: .*not JSON5.*asked all the same$/);
  // Without a copy that is good, whoever says where and with what needs no config.
  await rm(`${file}.last-good`);
  const env = { OPENCLAW_GATEWAY_PORT: String(port) };
  expect((await targetOf({ token: "t" }, { ...at.io, env })).token?.reveal()).toBe("t");
  server.close();
  await once(server, "close");
  await expect(targetOf({ token: "t" }, { ...at.io, env })).rejects.toThrow("syntax");
});

test("what a variable says wrongly is told, whatever runs", async () => {
  await using at = await machine(HERE, { OPENCLAW_GATEWAY_PORT: "many" });
  await expect(targetOf({ token: "t" }, at.io)).rejects.toThrow("bad_variable");
});

test("to ask a gateway elsewhere makes no credentials here", async () => {
  await using at = await machine(REMOTE);
  expect((await elsewhereOf({}, at.io))?.url).toBe("https://gw.example");
  expect(await elsewhereOf({ port: "5" }, at.io)).toBeUndefined();
  await targetOf({}, at.io);
  expect(await readdir(join(at.io.home, ".openclaw"))).toEqual(["openclaw.json"]);
});

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("no port");
  return address;
}
