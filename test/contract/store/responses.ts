import { describe, expect, test } from "vitest";
import type { StoredResponse } from "../../../core/store/response.ts";
import { type StoreMaker, world } from "./world.ts";

/** Never too old to be kept, whatever time it is. */
const LATER = 4_000_000_000_000;

function response(id: string, rest: Partial<StoredResponse> = {}): StoredResponse {
  return {
    id,
    owner: "ada",
    agent: "main",
    sessionKey: "agent:main:openai:x",
    previous: undefined,
    createdAt: LATER,
    messages: [
      { role: "user", text: `asks ${id}` },
      { role: "assistant", text: `answers ${id}`, toolCalls: [] },
    ],
    continues: false,
    body: { id, output: [] },
    ...rest,
  };
}

export function describeResponses(make: StoreMaker): void {
  describe("responses", () => {
    test("a response comes back as it was, after a restart too, and only to its owner", async () => {
      await using w = await world(make);
      const kept = response("r1", {
        previous: "r0",
        continues: true,
        messages: [
          {
            role: "user",
            text: "Zürich? 🌦",
            images: [{ mediaType: "image/png", data: "AAAA" }],
          },
          { role: "assistant", text: "", toolCalls: [{ id: "c", name: "n", input: "{" }] },
          { role: "tool", callId: "c", text: "rain" },
        ],
      });
      await w.store.responses.save(kept);
      await w.reopen();
      expect(await w.store.responses.find("r1", "ada")).toEqual(kept);
      expect(await w.store.responses.find("r1", "bob")).toBeUndefined();
      expect(await w.store.responses.find("r2", "ada")).toBeUndefined();
    });

    test("a chain is the conversation in its order, as far as it goes back", async () => {
      await using w = await world(make);
      const { responses } = w.store;
      await responses.save(response("r1"));
      await responses.save(response("r2", { previous: "r1" }));
      await responses.save(response("branch", { previous: "r1" }));
      await responses.save(response("r3", { previous: "r2" }));
      const texts = async (id: string, links = 9, owner = "ada"): Promise<string[]> =>
        (await responses.chain(id, owner, links)).map(({ text }) => text);
      const all = ["r1", "r2", "r3"].flatMap((id) => [`asks ${id}`, `answers ${id}`]);
      expect(await texts("r3")).toEqual(all);
      expect(await texts("branch")).toEqual([...all.slice(0, 2), "asks branch", "answers branch"]);
      expect(await texts("r3", 2)).toEqual(all.slice(2));
      expect(await texts("r3", 9, "bob")).toEqual([]);
      await responses.remove("r2", "ada");
      expect(await texts("r3")).toEqual(all.slice(4));
    });

    test("a chain does not go on into what is somebody else's", async () => {
      await using w = await world(make);
      const { responses } = w.store;
      await responses.save(response("theirs", { owner: "bob" }));
      await responses.save(response("mine", { previous: "theirs" }));
      expect(await responses.chain("mine", "ada", 9)).toHaveLength(2);
    });

    test("a response is forgotten once, by its owner", async () => {
      await using w = await world(make);
      const { responses } = w.store;
      await responses.save(response("r1"));
      expect(await responses.remove("r1", "bob")).toBe(false);
      expect(await responses.remove("r1", "ada")).toBe(true);
      expect(await responses.remove("r1", "ada")).toBe(false);
      expect(await responses.find("r1", "ada")).toBeUndefined();
    });
  });
}
