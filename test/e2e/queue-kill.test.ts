/** Messages that come during a turn, sent by a client at the edge, while the core is killed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EdgeChat, startEdgeChat } from "../support/edge-chat.ts";
import { until } from "../support/until.ts";

let w: EdgeChat;

beforeAll(async () => {
  w = await startEdgeChat({ config: { messages: { queue: { debounceMs: 50 } } } });
});
afterAll(() => w[Symbol.asyncDispose]());

/** What was said in a session, and how often. */
async function said(key: string): Promise<readonly string[]> {
  return (await w.history(key)).flatMap(([role, text]) => (role === "user" ? [text] : []));
}

/** A turn that never ends by itself, of which a few words have been said. */
async function underWay(key: string, runId: string, more: object): Promise<void> {
  const asked = w.model.requests.length;
  w.model.next({ kind: "hang", words: 2 });
  expect(await w.send(key, "one", runId, more)).toMatchObject({ runId });
  await w.model.waitForRequests(asked + 1);
  await until(() => w.heard.some(({ payload }) => payload["runId"] === runId));
}

test.each(["steer", "followup", "collect"])(
  "%s: whatever came during a turn that was cut off is kept once, and each run has one end",
  async (queueMode) => {
    const key = `agent:main:${queueMode}`;
    const runs = ["one", "two", "three", "four"].map((text) => [`${queueMode}-${text}`, text]);
    const more = { queueMode };
    await underWay(key, `${queueMode}-one`, more);
    await w.send(key, "two", `${queueMode}-two`, more);
    await w.send(key, "three", `${queueMode}-three`, more);
    // Nobody knows of this one whether the core had it when it died.
    const late = w.send(key, "four", `${queueMode}-four`, more);
    await w.kill();
    await w.start();
    expect(await late).toMatchObject({ runId: `${queueMode}-four` });

    for (const [runId = ""] of runs) {
      expect(await w.ended(runId), runId).toMatchObject({ state: "final" });
      expect(await w.request("agent.wait", { runId, timeoutMs: 0 })).toMatchObject({
        status: "ok",
      });
    }
    expect(await said(key)).toEqual(["one", "two", "three", "four"]);
    const asked = w.model.requests.length;
    // Who sends it again, not knowing, is told of the same run.
    for (const [runId = "", text = ""] of runs) {
      expect(await w.send(key, text, runId, more)).toMatchObject({ runId, status: "ok" });
    }
    expect(w.model.requests).toHaveLength(asked);
    expect(runs.map(([runId = ""]) => w.ends(runId).length)).toEqual([1, 1, 1, 1]);
    expect(await said(key)).toHaveLength(4);
  },
);

test("interrupt: the turn that was interrupted stays ended over a kill, and the one after it is answered", async () => {
  const key = "agent:main:interrupt";
  await underWay(key, "first", {});
  const asked = w.model.requests.length;
  w.model.next({ kind: "hang", words: 1 });
  await w.send(key, "two", "second", { queueMode: "interrupt" });
  expect(await w.ended("first")).toMatchObject({ state: "aborted" });
  await w.model.waitForRequests(asked + 1);
  await w.kill();
  await w.start();
  expect(await w.ended("second")).toMatchObject({ state: "final" });
  expect(await said(key)).toEqual(["one", "two"]);
  expect(w.ends("first")).toHaveLength(1);
  expect(w.ends("second")).toHaveLength(1);
  // Cut off by the kill, and asked once more: the one that was interrupted is not.
  expect(w.model.requests).toHaveLength(asked + 2);
});
