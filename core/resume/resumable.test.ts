import { expect, test } from "vitest";
import { LIMITS } from "../../shared/limits.ts";
import { ResumingWebSocket } from "../../shared/resume/client.ts";
import { hear } from "../../test/support/hear.ts";
import { Random } from "../../test/support/random.ts";
import { ResumeWorld } from "../../test/support/resume-world.ts";
import type { ClientSocket, Upgrade } from "../tunnel/handlers.ts";

/** An app that echoes, and tells what it saw. */
class EchoApp {
  readonly sockets: ClientSocket[] = [];
  readonly protocols: (string | null)[] = [];
  readonly closed: { readonly code: number; readonly reason: string }[] = [];
  survives = true;
  refusal: number | undefined;

  readonly upgrade = (request: Request): Promise<Upgrade> => {
    this.protocols.push(request.headers.get("Sec-WebSocket-Protocol"));
    if (this.refusal === undefined) return Promise.resolve(this.#accepted());
    return Promise.resolve({
      accepted: false,
      response: new Response("", { status: this.refusal }),
    });
  };
  readonly reattach = (): Promise<Upgrade> => Promise.resolve(this.#accepted());

  #accepted(): Upgrade {
    return {
      accepted: true,
      protocol: "echo.v1",
      survives: this.survives,
      take: (socket) => {
        this.sockets.push(socket);
        socket.listen({
          onMessage: (message, receipt) => receipt.answer(message),
          onClose: (code, reason) => this.closed.push({ code, reason }),
        });
      },
    };
  }
}

async function open(): Promise<{
  world: ResumeWorld;
  app: EchoApp;
  client: ResumingWebSocket;
  seen: unknown[];
}> {
  const app = new EchoApp();
  const world = new ResumeWorld(new Random(1), app);
  world.startCore();
  const client = new ResumingWebSocket("ws://edge.test/socket", {
    webSocket: world.webSocket,
    protocols: ["echo.v1", "echo.v0"],
    now: () => world.now,
    random: () => 0.5,
    delay: world.delay,
  });
  client.binaryType = "arraybuffer";
  const seen: unknown[] = [];
  hear(client, {
    open: () => seen.push("open"),
    message: (data) => {
      seen.push(data instanceof ArrayBuffer ? [...new Uint8Array(data)] : data);
    },
    resumed: () => seen.push("resumed"),
    fresh: (unconfirmed) => seen.push(`fresh ${unconfirmed}`),
    close: (close) => seen.push(close),
  });
  await world.settle();
  return { world, app, client, seen };
}

test("the app is offered its own protocols, and its choice is the client's protocol", async () => {
  const { app, client, seen } = await open();
  expect(app.protocols).toEqual(["echo.v1, echo.v0"]);
  expect(client.protocol).toBe("echo.v1");
  expect(seen).toEqual(["open"]);
});

test("text, bytes and nothing at all come as they were sent", async () => {
  const { world, client, seen } = await open();
  client.send("grüß dich");
  client.send(new Uint8Array([0, 255]));
  client.send("");
  client.send(new ArrayBuffer(0));
  await world.settle();
  expect(seen).toEqual(["open", "grüß dich", [0, 255], "", []]);
});

test("what is sent while the relay is away arrives once it is back, and the app is not asked again", async () => {
  const { world, app, client, seen } = await open();
  world.loseRelay();
  client.send("from the client");
  app.sockets[0]?.send("from the app");
  await world.settle();
  expect(new Set(seen)).toEqual(new Set(["open", "resumed", "from the app", "from the client"]));
  expect(seen).toHaveLength(4);
  expect(app.protocols).toHaveLength(1);
});

test.each([
  { who: "somebody else", principal: { subject: "guest", scopes: ["operator" as const] } },
  { who: "the same with other rights", principal: { subject: "owner", scopes: [] } },
])("$who gets a session of its own", async ({ principal }) => {
  const { world, app, client, seen } = await open();
  app.sockets[0]?.send("a secret");
  world.loseRelay();
  world.caller = { ...world.caller, principal };
  await world.settle();
  client.send("hello");
  await world.settle();
  expect(seen).toEqual(["open", "fresh 0", "hello"]);
  expect(app.protocols).toEqual(["echo.v1, echo.v0", "echo.v1, echo.v0"]);
});

test("a client that stays away too long is forgotten, and told so when it comes", async () => {
  const { world, app, client, seen } = await open();
  world.loseRelay();
  const end = world.stopAccepting();
  await world.elapse(LIMITS.resumeMs - 1);
  expect(app.closed).toEqual([]);
  await world.elapse(1);
  expect(app.closed).toEqual([{ code: 1006, reason: "it did not come back" }]);
  client.send("too late");
  end();
  await world.elapse(5_000);
  expect(seen).toEqual(["open", "fresh 1"]);
});

test("a client gives up after the time that it was given", async () => {
  const { world, seen } = await open();
  world.loseRelay();
  world.stopAccepting();
  await world.elapse(400_000);
  expect(seen).toEqual(["open", { code: 1006, reason: "no connection", wasClean: false }]);
});

test("an app that cannot go on in another core begins anew there", async () => {
  const app = new EchoApp();
  app.survives = false;
  const world = new ResumeWorld(new Random(1), app);
  world.startCore();
  const seen: string[] = [];
  const client = new ResumingWebSocket("ws://edge.test/", {
    webSocket: world.webSocket,
    delay: world.delay,
  });
  hear(client, {
    fresh: () => seen.push("fresh"),
    resumed: () => seen.push("resumed"),
  });
  await world.settle();
  world.loseRelay();
  await world.settle();
  world.killCore();
  world.startCore();
  await world.settle();
  expect(seen).toEqual(["resumed", "fresh"]);
});

test("each side closes with its own code, after what it said before", async () => {
  const byApp = await open();
  byApp.app.sockets[0]?.send("last words");
  byApp.app.sockets[0]?.close(4321, "enough");
  await byApp.world.settle();
  expect(byApp.seen).toEqual([
    "open",
    "last words",
    { code: 4321, reason: "enough", wasClean: true },
  ]);
  expect(byApp.app.closed).toEqual([{ code: 4321, reason: "enough" }]);

  const byClient = await open();
  byClient.client.send("last words");
  byClient.client.close(4000, "bye");
  await byClient.world.settle();
  expect(byClient.app.closed).toEqual([{ code: 4000, reason: "bye" }]);
  expect(byClient.seen.at(-1)).toEqual({ code: 4000, reason: "bye", wasClean: true });
});

test("a close without a code is one without a code", async () => {
  const { world, app, client, seen } = await open();
  client.close();
  await world.settle();
  expect(app.closed).toEqual([{ code: 1005, reason: "" }]);
  expect(seen.at(-1)).toEqual({ code: 1005, reason: "", wasClean: true });
});

test("a close that the relay lost is said again", async () => {
  const { world, app, seen } = await open();
  world.loseRelay();
  app.sockets[0]?.close(4321, "enough");
  await world.settle();
  expect(seen.at(-1)).toEqual({ code: 4321, reason: "enough", wasClean: true });
  expect(app.closed).toEqual([{ code: 4321, reason: "enough" }]);
});

test("an app that asks its client to come back gets it back, with a new session", async () => {
  const { world, app, seen } = await open();
  app.sockets[0]?.close(1012, "service restart");
  await world.settle();
  expect(seen).toEqual(["open", "fresh 0"]);
  expect(app.sockets).toHaveLength(2);
});

test("a client that the app refuses when it comes back is told so and stays away", async () => {
  const { world, app, seen } = await open();
  app.refusal = 403;
  app.sockets[0]?.close(1012, "service restart");
  await world.settle();
  expect(seen).toEqual(["open", { code: 1008, reason: "refused", wasClean: false }]);
});

test("an app that says more than is kept for a client that is away loses it", async () => {
  const { world, app, seen } = await open();
  world.loseRelay();
  const piece = new Uint8Array(LIMITS.maxResumeQueueBytes / 4);
  for (let count = 0; count < 16; count += 1) app.sockets[0]?.send(piece);
  expect(app.closed).toEqual([{ code: 1013, reason: "too much is waiting" }]);
  await world.settle();
  expect(seen).toEqual(["open", "fresh 0"]);
});

test("a client that stops reading is not sent more than it may lose", async () => {
  const { world, app } = await open();
  const [socket] = app.sockets;
  for (let count = 0; count < 1_500; count += 1) socket?.send("x");
  expect(socket?.bufferedBytes).toBeGreaterThan(0);
  const drained = socket?.drained();
  await world.settle();
  await drained;
  expect(socket?.bufferedBytes).toBe(0);
});

test("a quiet client and a quiet app say nothing at all", async () => {
  const { world, client } = await open();
  client.send("one");
  await world.settle();
  const { length } = world.sent;
  await world.elapse(3_600_000);
  expect(world.sent).toHaveLength(length);
});

test("handlers set as properties hear the same, and each can be replaced", async () => {
  const { world, app, client } = await open();
  const seen: string[] = [];
  /* oxlint-disable unicorn/prefer-add-event-listener -- they are what is tested */
  client.onmessage = () => seen.push("never");
  client.onmessage = ({ data }) => seen.push(String(data));
  client.onresumed = () => seen.push("resumed");
  client.onfresh = () => seen.push("fresh");
  client.onclose = ({ code }) => seen.push(`close ${code}`);
  client.onerror = () => seen.push("error");
  /* oxlint-enable unicorn/prefer-add-event-listener */
  world.loseRelay();
  await world.settle();
  client.send("hello");
  await world.settle();
  app.sockets[0]?.close(1012, "");
  await world.settle();
  client.close(3000);
  await world.settle();
  expect(seen).toEqual(["resumed", "hello", "fresh", "close 3000"]);
});

test("what a WebSocket does not let one say or do, it does not either", async () => {
  const { world, client, app } = await open();
  expect(() => client.close(1001)).toThrow("Use 1000");
  expect(() => client.close(1000, "é".repeat(62))).toThrow("At most 123 bytes");
  client.close(1000);
  client.send("too late");
  await world.settle();
  expect(app.closed).toEqual([{ code: 1000, reason: "" }]);
  const early = new ResumingWebSocket("ws://edge.test/", { webSocket: world.webSocket });
  expect(() => early.send("too soon")).toThrow("Not open yet");
  early.close();
  expect(early.readyState).toBe(ResumingWebSocket.CLOSED);
});
