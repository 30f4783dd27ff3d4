import { expect, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { DeviceBook } from "../../devices/book.ts";
import { approved } from "../../devices/rules.ts";
import type { DeviceStore } from "../../store/device.ts";
import type { SocketListener } from "../../tunnel/handlers.ts";
import { Authenticator } from "../auth/auth.ts";
import { Connections } from "./connections.ts";
import type { Kept } from "./kept.ts";
import { Lockout } from "../auth/lockout.ts";

const NOW = 1_700_000_000_000;
const SCOPES = ["operator.read"];
const ASK = { deviceId: "d", publicKey: "k", role: "operator", scopes: SCOPES };
const TOKEN = { role: "operator", scopes: SCOPES, generation: 1, createdAtMs: 1, digest: "x" };
const KEPT: Kept = {
  state: "open",
  connection: "1",
  requestId: "c",
  role: "operator",
  scopes: SCOPES,
  client: { clientId: "cli", mode: "cli", version: "1", platform: "linux", deviceId: "d" },
  topics: [],
  seq: 7,
};

/** A client of the edge whom an earlier core let in, with the devices that there are by now. */
function world(tokens: readonly object[] | undefined) {
  const device = { ...approved(undefined, ASK, "owner", NOW), tokens };
  const store: DeviceStore = {
    devices: async () => JSON.parse(JSON.stringify(tokens === undefined ? [] : [device])),
    requests: async () => [],
    putDevice: async () => undefined,
    removeDevices: async () => undefined,
    setRequests: async () => undefined,
    setupCodes: async () => [],
    setSetupCodes: async () => undefined,
  };
  const devices = new DeviceBook({
    store,
    key: async () => new Secret("k"),
    now: () => NOW,
    newId: () => "id",
    isConnected: () => false,
    tell: () => undefined,
  });
  const settings = { credentials: [], exemptLoopback: false };
  const connections = new Connections({
    authenticator: new Authenticator(settings, new Lockout(), () => NOW, devices),
    methods: new Map([["echo", { scope: "operator.read", call: () => "said" } as const]]),
    snapshot: () => ({}),
    version: "1",
    now: () => NOW,
  });
  const heard: unknown[] = [];
  let listener: SocketListener | undefined;
  const end = Promise.withResolvers<unknown>();
  const note = (message: string | Uint8Array): void => {
    heard.push(JSON.parse(String(message)));
    end.resolve("answered");
  };
  const caller = {
    principal: { subject: "device:d", scopes: ["operator" as const] },
    requestId: "r",
    ip: "192.0.2.1",
    via: "edge" as const,
  };
  connections.add(
    {
      bufferedBytes: 0,
      send: note,
      close: (code, reason) => end.resolve([code, reason]),
      drained: () => undefined,
      keep: () => undefined,
      listen: (one) => (listener = one),
    },
    { via: "edge", caller },
    KEPT,
  );
  const message = JSON.stringify({ type: "req", id: "2", method: "echo" });
  listener?.onMessage(message, { answer: note, done: () => undefined });
  return { heard, end: end.promise };
}

test("a client whose device is still there goes on", async () => {
  const { heard, end } = world([TOKEN]);
  expect(await end).toBe("answered");
  expect(heard).toMatchObject([{ id: "2", ok: true, payload: "said" }]);
});

test.each([
  ["was removed", undefined],
  ["has lost its token", [{ ...TOKEN, revokedAtMs: 1 }]],
])("a client whose device %s while nobody led is sent away unheard", async (_name, tokens) => {
  const { heard, end } = world(tokens);
  expect(await end).toEqual([1008, "device removed"]);
  expect(heard).toEqual([]);
});
