import { describe, expect, test } from "vitest";
import type { Message } from "../../../core/store/message.ts";
import { NOW, type StoreMaker, world } from "./world.ts";

const USAGE = { inputTokens: 1, outputTokens: 2 };

function user(text: string): Message {
  return { role: "user", text };
}

export function describeSessions(make: StoreMaker): void {
  describe("sessions and facts", () => {
    test("a session has its messages in the order they were added", async () => {
      await using w = await world(make);
      await w.store.append("s", [user("1"), user("2")], USAGE, NOW);
      await w.store.append("other", [user("x")], USAGE, NOW);
      await w.store.append("s", [user("3")], USAGE, NOW + 1);
      await w.reopen();
      expect(await w.store.history("s", 9)).toEqual([
        { seq: 1, at: NOW, message: user("1") },
        { seq: 2, at: NOW, message: user("2") },
        { seq: 3, at: NOW + 1, message: user("3") },
      ]);
      expect(await w.store.history("nobody", 9)).toEqual([]);
    });

    test("a limit keeps the newest messages, oldest first", async () => {
      await using w = await world(make);
      await w.store.append("s", ["1", "2", "3", "4"].map(user), USAGE, NOW);
      const texts = (await w.store.history("s", 2)).map(({ message }) => message.text);
      expect(texts).toEqual(["3", "4"]);
      expect(await w.store.history("s", 0)).toEqual([]);
    });

    test("every kind of message comes back as it was", async () => {
      await using w = await world(make);
      const messages: Message[] = [
        { role: "system", text: "be brief" },
        user("weather in Zürich? 🌦 \u0000 '; --"),
        {
          role: "assistant",
          text: "",
          toolCalls: [{ id: "call-1", name: "weather", input: '{"city": "Zür' }],
        },
        { role: "tool", callId: "call-1", text: "rain" },
        { role: "assistant", text: "Rain.", toolCalls: [] },
      ];
      await w.store.append("s", messages, USAGE, NOW);
      expect((await w.store.history("s", 9)).map(({ message }) => message)).toEqual(messages);
    });

    test("callers at once never get the same place in a session", async () => {
      await using w = await world(make);
      await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          w.store.append("s", [user(`${index}`), user(`${index}'`)], USAGE, NOW),
        ),
      );
      const all = await w.store.history("s", 100);
      expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
      // Both messages of one call stand side by side.
      for (let index = 0; index < 80; index += 2) {
        expect(all[index + 1]?.message.text).toBe(`${all[index]?.message.text}'`);
      }
    });

    test("a fact is what it was last set to", async () => {
      await using w = await world(make);
      expect(await w.store.get("offset")).toBeUndefined();
      await w.store.set("offset", "1");
      await w.store.set("offset", "2");
      await w.store.set("empty", "");
      await w.reopen();
      expect(await w.store.get("offset")).toBe("2");
      expect(await w.store.get("empty")).toBe("");
    });

    test("what was asked before the store is closed still happens, nothing after", async () => {
      await using w = await world(make);
      const setting = w.store.set("a", "1");
      const closing = w.store[Symbol.asyncDispose]();
      await expect(w.store.set("b", "2")).rejects.toMatchObject({ code: "core_draining" });
      await setting;
      await closing;
      await w.reopen();
      expect(await w.store.get("a")).toBe("1");
      expect(await w.store.get("b")).toBeUndefined();
    });
  });
}
