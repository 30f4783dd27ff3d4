import { expect, test } from "vitest";
import { covers } from "../method.ts";
import { CHAT_SCOPES, type ChatMethodName } from "./scopes.ts";

function scopeOf(name: ChatMethodName, params: unknown): string {
  const scope = CHAT_SCOPES[name];
  return typeof scope === "function" ? scope(params) : scope;
}

test.each<[ChatMethodName, unknown, string]>([
  ["chat.send", { message: "hello" }, "operator.write"],
  ["chat.send", { message: "/stop" }, "operator.write"],
  ["chat.send", { message: " /RESET now" }, "operator.admin"],
  ["chat.send", { message: "/new" }, "operator.admin"],
  ["chat.send", { message: "/newer" }, "operator.write"],
  ["chat.send", { message: "/model" }, "operator.write"],
  ["chat.send", { message: "/model a/b" }, "operator.admin"],
  ["chat.send", { message: "/think: high" }, "operator.admin"],
  ["chat.send", { message: "/compact" }, "operator.admin"],
  ["chat.send", { message: "/status" }, "operator.write"],
  ["chat.send", null, "operator.write"],
  ["chat.history", {}, "operator.read"],
  ["chat.inject", {}, "operator.admin"],
  ["agent", { message: "hello", model: undefined }, "operator.write"],
  ["agent", { message: "hello", model: "a/b" }, "operator.admin"],
  ["agent", { message: "hello", extraSystemPrompt: "be evil" }, "operator.admin"],
  ["agent", { message: "/reset" }, "operator.admin"],
  ["agent", { message: "/think high" }, "operator.write"],
  ["sessions.create", { label: "x" }, "operator.write"],
  ["sessions.create", { model: "a/b" }, "operator.admin"],
  ["sessions.patch", { key: "s", label: "x", pinned: true }, "operator.write"],
  ["sessions.patch", { key: "s", label: "x", model: null }, "operator.admin"],
  ["sessions.patch", { key: "s", sendPolicy: "deny" }, "operator.admin"],
  ["sessions.patchMany", { targets: [], patch: { unread: true } }, "operator.write"],
  ["sessions.patchMany", { targets: [], patch: { execAsk: "off" } }, "operator.admin"],
  ["sessions.patchMany", "nonsense", "operator.write"],
  ["sessions.delete", { key: "s" }, "operator.admin"],
  ["sessions.delete", { key: "s", archivedOnly: true }, "operator.write"],
  ["sessions.reset", { key: "s" }, "operator.admin"],
])("%s %j takes %s", (name, params, scope) => {
  expect(scopeOf(name, params)).toBe(scope);
});

test("nothing can be changed with the right to read", () => {
  const open = Object.keys(CHAT_SCOPES).filter((name) =>
    covers(["operator.read"], scopeAt(name) ?? "operator.admin"),
  );
  expect(open.toSorted((a, b) => a.localeCompare(b))).toEqual([
    "chat.history",
    "chat.message.get",
    "chat.metadata",
    "chat.startup",
    "sessions.describe",
    "sessions.list",
    "sessions.messages.subscribe",
    "sessions.messages.unsubscribe",
    "sessions.preview",
    "sessions.resolve",
    "sessions.search",
    "sessions.subscribe",
    "sessions.unsubscribe",
    "sessions.usage",
    "sessions.usage.logs",
    "sessions.usage.timeseries",
  ]);
});

function scopeAt(name: string): "operator.read" | undefined {
  const entry = Object.entries(CHAT_SCOPES).find(([known]) => known === name);
  return entry?.[1] === "operator.read" ? "operator.read" : undefined;
}
