import { expect, test } from "vitest";
import { type InstalledFacts, judgeService, type ServiceFacts } from "./service.ts";

const OWN: InstalledFacts = {
  file: "/u/sallyport-gateway.service",
  stateDir: "/s",
  enabled: true,
  detail: "active (running)",
  hasFailed: false,
  gone: [],
  issues: [],
  isEdited: false,
};
const FACTS: ServiceFacts = { own: OWN, port: 18_789, stateDir: "/s", others: [] };
const OTHER = { file: "/u/openclaw-gateway.service", port: 18_789 };

test.each<[string, Partial<ServiceFacts>, string, RegExp]>([
  ["one that runs", {}, "ok", /active \(running\)$/],
  ["none", { own: undefined }, "ok", /no service is installed/],
  ["one of another state", { stateDir: "/t" }, "ok", /for the state in \/s$/],
  ["a Node that is gone", { own: { ...OWN, gone: ["/n"] } }, "failed", /\/n, which is gone$/],
  ["one that failed", { own: { ...OWN, hasFailed: true } }, "failed", /active/],
  ["one that is out of date", { own: { ...OWN, issues: ["a", "b"] } }, "warning", /: a, b$/],
  ["one that nothing starts", { own: { ...OWN, enabled: false } }, "warning", /by itself$/],
  ["a rival for the port", { others: [OTHER] }, "warning", /openclaw.* on port 18789 as well$/],
  ["a rival and no service", { own: undefined, others: [OTHER] }, "warning", /as well$/],
  ["a gateway on another port", { others: [{ ...OTHER, port: 1 }] }, "ok", /running/],
])("%s", (_name, part, status, detail) => {
  expect(judgeService({ ...FACTS, ...part })).toMatchObject({
    status,
    detail: expect.stringMatching(detail),
  });
});

test("what was edited takes --force to be written anew", () => {
  const edited = { ...OWN, issues: ["it was edited by hand"], isEdited: true };
  expect(judgeService({ ...FACTS, own: edited })).toMatchObject({
    fix: "sallyport gateway install --force",
  });
});
