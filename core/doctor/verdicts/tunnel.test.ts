import { expect, test } from "vitest";
import type { Ending } from "../../tunnel/relay/ending.ts";
import { type Dialled, judgeKey, judgePin, judgeUpgrade } from "./tunnel.ts";

const welcomed: Dialled = {
  result: "welcomed",
  welcome: {
    edgeKey: "edge-key-1234567",
    relay: "weur:1",
    relays: [],
    features: new Set<string>(),
    colo: "",
  },
  rttMs: 1,
  state: undefined,
};
const ended = (ending: Ending): Dialled => ({ result: "ended", ending });
const refused = (status: number, code: string, detail = ""): Dialled =>
  ended({
    reason: "refused",
    status,
    code,
    detail,
    location: "",
    proxy: undefined,
    serverTime: undefined,
  });

test.each([
  ["is welcomed", welcomed, undefined, "ok", "reaches the relay"],
  [
    "is refused by the edge",
    refused(401, "unauthenticated"),
    { status: 426, code: "version_unsupported", detail: "" },
    "ok",
    "401",
  ],
  [
    "is answered as if it were none",
    refused(426, "version_unsupported", "a"),
    { status: 426, code: "version_unsupported", detail: "a" },
    "failed",
    "as if it had not been",
  ],
  [
    "speaks another version",
    refused(426, "version_unsupported", "speaks gwt.2"),
    { status: 426, code: "version_unsupported", detail: "a" },
    "failed",
    "speaks gwt.2",
  ],
  [
    "is answered by a stranger",
    refused(403, ""),
    { status: 200, code: "", detail: "" },
    "failed",
    "403",
  ],
  [
    "is cut off",
    ended({ reason: "unreachable", detail: "hang up", proxy: undefined }),
    undefined,
    "failed",
    "hang up",
  ],
])("an upgrade that %s", (_name, dialled, plain, status, words) => {
  const verdict = judgeUpgrade("edge.example", dialled, plain);
  expect(verdict.detail).toContain(words);
  expect(verdict.status).toBe(status);
});

test("a key is known, known but for the clock, or unknown", () => {
  expect(judgeKey("k", welcomed, 0).status).toBe("ok");
  expect(judgeKey("k", welcomed, 90_000).status).toBe("warning");
  const unknown = judgeKey("k", refused(401, "unauthenticated"), 0);
  expect(unknown).toMatchObject({ status: "failed", detail: "the edge does not know our key k" });
});

test.each([
  ["the one we know", "edge-key-1234567", welcomed, "ok"],
  ["not met before", undefined, welcomed, "warning"],
  ["another one", "edge-key-7654321", welcomed, "failed"],
  ["not proven", "edge-key-1234567", ended({ reason: "wrong_edge" }), "failed"],
])("an edge's key that is %s", (_name, pinned, dialled, status) => {
  expect(judgePin("edge.example", pinned, dialled).status).toBe(status);
});
