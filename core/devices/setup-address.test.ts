import { expect, test } from "vitest";
import { setupAddress, type SetupPlaces, type SetupWish } from "./setup-address.ts";

const HERE: SetupPlaces = {
  edgeUrl: undefined,
  publicOrigin: undefined,
  remoteUrl: undefined,
  hosts: ["127.0.0.1", "::1"],
  port: 18_789,
  addresses: ["127.0.0.1", "192.168.1.5", "100.100.1.2", "203.0.113.9", "fd00::5", "fe80::1"],
};

test.each<[string, SetupWish, Partial<SetupPlaces>, readonly string[], string, boolean]>([
  [
    "as asked",
    { publicUrl: "https://a.example/x/?t=1#h" },
    {},
    ["wss://a.example/x"],
    "publicUrl",
    false,
  ],
  [
    "the edge before all",
    {},
    { edgeUrl: "https://e.example", publicOrigin: "https://p.example" },
    ["wss://e.example"],
    "sallyport.edge.url",
    false,
  ],
  [
    "its public origin",
    {},
    { publicOrigin: "https://p.example:8443" },
    ["wss://p.example:8443"],
    "gateway.publicOrigin",
    false,
  ],
  [
    "the remote one",
    { preferRemoteUrl: true },
    { remoteUrl: "wss://r.example/ws", edgeUrl: "https://e.example" },
    ["wss://r.example/ws"],
    "gateway.remote.url",
    false,
  ],
  [
    "the networks around it",
    {},
    { hosts: ["0.0.0.0"] },
    ["ws://192.168.1.5:18789", "ws://[fd00::5]:18789"],
    "gateway.bind",
    true,
  ],
  [
    "one address of them",
    {},
    { hosts: ["10.0.0.7", "127.0.0.1"] },
    ["ws://10.0.0.7:18789"],
    "gateway.bind",
    true,
  ],
  [
    "this machine, when asked",
    { publicUrl: "ws://127.0.0.1:1" },
    {},
    ["ws://127.0.0.1:1"],
    "publicUrl",
    false,
  ],
  [
    "a name of the house",
    { publicUrl: "http://nas.local:18789" },
    {},
    ["ws://nas.local:18789"],
    "publicUrl",
    true,
  ],
])("a device is told %s", (_name, wish, places, urls, source, isPlain) => {
  const found = setupAddress(wish, { ...HERE, ...places });
  expect(found).toEqual({ ok: true, value: { urls, source, isPlain } });
});

test.each<[string, SetupWish, Partial<SetupPlaces>, string]>([
  ["nowhere", {}, {}, "this machine alone"],
  ["a public address without TLS", { publicUrl: "ws://203.0.113.9:1" }, {}, "no TLS"],
  ["a public name without TLS", { publicUrl: "http://a.example" }, {}, "no TLS"],
  ["a tailnet without TLS", { publicUrl: "ws://100.64.1.1:1" }, {}, "no TLS"],
  ["a tailnet name without TLS", { publicUrl: "ws://host.tail1.ts.net" }, {}, "no TLS"],
  ["an edge without TLS", {}, { edgeUrl: "http://e.example" }, "no TLS"],
  ["another protocol", { publicUrl: "ftp://a.example" }, {}, "no http"],
  ["no address", { publicUrl: "moon" }, {}, "no http"],
  ["credentials in it", { publicUrl: "https://u:p@a.example" }, {}, "no http"],
  ["the remote one that is not set", { preferRemoteUrl: true }, {}, "not set"],
])("no code is made for %s", (_name, wish, places, why) => {
  const found = setupAddress(wish, { ...HERE, ...places });
  expect(found).toEqual({ ok: false, error: expect.stringContaining(why) });
});
