import { Errors } from "typebox/value";
import * as schemas from "@openclaw/gateway-protocol/schema";
import { expect, test } from "vitest";
import { Pairing } from "../../channels/pairing.ts";
import { approved, type Ask } from "../../devices/rules.ts";
import { commandLineContext } from "../command-line.ts";
import { channelPairingMethods } from "./channel-pairing.ts";
import { requestView } from "./views.ts";

const ASK: Ask = {
  deviceId: "d",
  publicKey: "k",
  role: "operator",
  scopes: ["operator.read"],
  clientId: "cli",
  clientMode: "cli",
  displayName: "",
  remoteIp: "203.0.113.5",
};

test("a request is told as the published schema has it, names that were never said left out", () => {
  const request = {
    requestId: "r",
    ...ASK,
    scopes: [],
    reason: "not-paired",
    isRepair: false,
    ts: 1,
  };
  const view = requestView({ ...request, reason: "not-paired", scopes: ["operator.read"] });
  expect([...Errors(schemas.DevicePairRequestedEventSchema, view)]).toEqual([]);
  expect(view).not.toHaveProperty("displayName");
  expect(approved(undefined, ASK, "owner", 1).tokens).toEqual([]);
});

test("strangers on a channel are listed, let in and sent away as the published schemas have it", async () => {
  const facts = new Map<string, string>();
  const pairing = new Pairing({
    store: {
      get: async (key) => facts.get(key),
      set: async (key, value) => void facts.set(key, value),
    },
    now: () => 1_800_000_000_000,
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  });
  const methods = new Map(channelPairingMethods({ pairing, channels: () => ["telegram"] }));
  const context = commandLineContext(new AbortController().signal);
  const call = async (name: string, params: object): Promise<unknown> =>
    methods.get(`channels.pairing.${name}`)?.call(params, context);
  await pairing.ask("telegram", { sender: "1", name: "Ada", askedBy: "a" });
  await pairing.ask("telegram", { sender: "2", name: "", askedBy: "b" });
  const list = await call("list", {});
  expect([...Errors(schemas.ChannelsPairingListResultSchema, list)]).toEqual([]);
  const [first, second] = Object(list).requests;
  expect([first.senderLabel, second.senderLabel]).toEqual(["Ada", "2"]);
  const one = { channel: "telegram", accountId: "default" };
  const yes = await call("approve", { ...one, requestId: first.requestId, notify: true });
  expect([...Errors(schemas.ChannelsPairingApproveResultSchema, yes)]).toEqual([]);
  const no = await call("dismiss", { ...one, requestId: second.requestId });
  expect([...Errors(schemas.ChannelsPairingDismissResultSchema, no)]).toEqual([]);
  expect(await call("list", { channel: "telegram" })).toMatchObject({ requests: [] });
  expect((await pairing.approved("telegram")).map(({ sender }) => sender)).toEqual(["1"]);
  await expect(call("approve", { ...one, requestId: second.requestId })).rejects.toThrow("No such");
  await expect(call("dismiss", { ...one, accountId: "x", requestId: "y" })).rejects.toThrow(
    "No such",
  );
});
