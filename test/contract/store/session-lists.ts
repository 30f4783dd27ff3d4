import { describe, expect, test } from "vitest";
import type { SessionFilter, SessionInfo } from "../../../core/store/session.ts";
import type { Store } from "../../../core/store/store.ts";
import { NOW, type StoreMaker, world } from "./world.ts";

const USAGE = { inputTokens: 1, outputTokens: 2 };
const AGENTS = ["main", "work", "x-1"] as const;
const LABELS = ["Plan A", "ÄRGER", undefined] as const;

type Asked = Partial<SessionFilter>;

/** Sessions of each kind, some of them at the same moment. In the order they were made in. */
async function populate(store: Store): Promise<SessionInfo[]> {
  const keys = Array.from({ length: 36 }, (_, index) => `agent:${AGENTS[index % 3]}:Chat-${index}`);
  for (const [index, key] of keys.entries()) {
    const parentKey = index % 4 === 0 ? keys[0] : undefined;
    const label = index < 9 ? LABELS[index % 3] : undefined;
    const named = label === undefined ? undefined : `${label} ${index}`;
    await store.sessions.create({ key, createdBy: "operator", label: named, parentKey, at: NOW });
    const at = NOW + Math.floor(index / 2);
    if (index % 5 === 0) await store.sessions.patch(key, { archived: true }, at);
    else await store.append(key, [{ role: "user", text: "m" }], USAGE, at);
  }
  await store.append("plain", [{ role: "user", text: "m" }], USAGE, NOW + 7);
  const infos = [];
  for (const key of [...keys, "plain"]) infos.push(await store.sessions.find(key));
  return infos.flatMap((info) => info ?? []);
}

/** What a list should have, by looking at every session. */
function expected(all: readonly SessionInfo[], asked: Asked): string[] {
  const { agentId, label, parentKey, sessionId, shortId = "", search = "" } = asked;
  const archived = asked.archived ?? "no";
  return all
    .toReversed()
    .toSorted((one, other) => other.updatedAt - one.updatedAt)
    .filter(
      (info) => archived === "all" || (info.archivedAt !== undefined) === (archived === "only"),
    )
    .filter(({ updatedAt }) => updatedAt >= (asked.updatedSince ?? 0))
    .filter(({ key }) => agentId === undefined || key.startsWith(`agent:${agentId}:`))
    .filter((info) => label === undefined || info.label === label)
    .filter((info) => parentKey === undefined || info.parentKey === parentKey)
    .filter((info) => sessionId === undefined || info.sessionId === sessionId)
    .filter((info) => info.sessionId.startsWith(shortId))
    .filter((info) => `${info.key} ${info.label ?? ""}`.toLowerCase().includes(search))
    .map(({ key }) => key);
}

function everyFilter(all: readonly SessionInfo[]): Asked[] {
  const [first] = all;
  const choices: Asked[] = [
    {},
    { search: "chat-1" },
    { search: "ärger" },
    { search: "%" },
    { search: "" },
    { label: "Plan A 0" },
    { label: "plan a 0" },
    { parentKey: first?.key },
    { parentKey: first?.key, search: "chat-2" },
    { sessionId: first?.sessionId },
    { sessionId: "nobody's" },
    { shortId: first?.sessionId.slice(0, 8) },
    { shortId: first?.sessionId.slice(0, 1) },
  ];
  const agents: Asked[] = [{}, { agentId: "main" }, { agentId: "x-1" }, { agentId: "_ain" }];
  const since: Asked[] = [{}, { updatedSince: NOW + 9 }];
  const states = ["no", "only", "all"] as const;
  return states.flatMap((archived) =>
    agents.flatMap((agent) =>
      since.flatMap((time) => choices.map((one) => ({ archived, ...agent, ...time, ...one }))),
    ),
  );
}

async function listed(store: Store, asked: Asked): Promise<{ keys: string[]; total: number }> {
  const all = { limit: 99, offset: 0, archived: "no" } as const;
  const { sessions, total } = await store.sessions.list({ ...all, ...asked });
  return { keys: sessions.map(({ key }) => key), total };
}

export function describeSessionLists(make: StoreMaker): void {
  describe("lists of sessions", () => {
    test("every filter, alone and with others, lists and counts what is so", async () => {
      await using w = await world(make);
      const all = await populate(w.store);
      for (const asked of everyFilter(all)) {
        const keys = expected(all, asked);
        expect({ asked, ...(await listed(w.store, asked)) }).toEqual({
          asked,
          keys,
          total: keys.length,
        });
      }
    });

    test("pages follow each other without a gap, whatever is asked for", async () => {
      await using w = await world(make);
      const all = await populate(w.store);
      const questions: Asked[] = [{}, { archived: "all" }, { archived: "all", agentId: "work" }];
      for (const asked of [...questions, { search: "chat" }, { parentKey: all[0]?.key }]) {
        const keys = expected(all, asked);
        const pages = [];
        for (let offset = 0; offset < keys.length; offset += 5) {
          const page = await listed(w.store, { ...asked, limit: 5, offset });
          expect(page.total).toBe(keys.length);
          pages.push(...page.keys);
        }
        expect(pages).toEqual(keys);
        expect(await listed(w.store, { ...asked, offset: keys.length })).toEqual({
          keys: [],
          total: keys.length,
        });
      }
    });

    test("counts follow what is archived, taken back, begun anew and removed", async () => {
      await using w = await world(make);
      const key = "agent:main:a";
      const counts = async (): Promise<number[]> => {
        const states = ["no", "only", "all"] as const;
        const asked = states.flatMap((archived) => [{ archived }, { archived, agentId: "main" }]);
        return Promise.all(asked.map(async (one) => (await listed(w.store, one)).total));
      };
      const { sessions } = w.store;
      await w.store.append(key, [], USAGE, NOW);
      await w.store.append("agent:work:a", [], USAGE, NOW);
      expect(await counts()).toEqual([2, 1, 0, 0, 2, 1]);
      await w.store.append(key, [], USAGE, NOW);
      await sessions.patch(key, { archived: true, label: "x" }, NOW);
      expect(await counts()).toEqual([1, 0, 1, 1, 2, 1]);
      await sessions.patch(key, { archived: true, label: null }, NOW);
      await w.reopen();
      expect(await counts()).toEqual([1, 0, 1, 1, 2, 1]);
      await w.store.sessions.patch(key, { archived: false }, NOW);
      await w.store.sessions.reset(key, NOW);
      expect(await counts()).toEqual([2, 1, 0, 0, 2, 1]);
      const taken = { label: "taken" };
      await w.store.sessions.patch("agent:work:a", taken, NOW);
      await expect(w.store.sessions.patch("agent:main:b", taken, NOW)).rejects.toThrow();
      expect(await counts()).toEqual([2, 1, 0, 0, 2, 1]);
      await w.store.sessions.remove(key, NOW);
      expect(await counts()).toEqual([1, 0, 0, 0, 1, 0]);
    });
  });
}
