import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Store } from "../../../core/store/store.ts";
import { item, type StoreMaker, temporaryFolder } from "./world.ts";

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));

interface Promised {
  readonly kept: Set<string>;
  readonly finished: Set<string>;
}

/** Lets a process work on `dir`, kills it after `lines` promises, and adds those to `promised`. */
async function workAndDie(
  make: StoreMaker,
  dir: string,
  lines: number,
  promised: Promised,
): Promise<void> {
  const child = spawn(process.execPath, [CHILD, make.adapter, dir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [verb, id = ""] = line.split(" ");
    if (verb === "kept") promised.kept.add(id);
    if (verb === "finished") promised.finished.add(id);
    seen += 1;
    if (seen === lines) child.kill("SIGKILL");
  }
  expect(await exited).toEqual([null, "SIGKILL"]);
}

/** Everything that was left, in the order it is handed out. */
async function drain(store: Store): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const taken = await store.take(100, Date.now());
    if (taken.length === 0) return ids;
    for (const { id } of taken) {
      ids.push(id);
      await store.finish(id, []);
    }
  }
}

async function sessionTexts(store: Store, lane: string): Promise<string[]> {
  return (await store.history(lane, 10_000)).map(({ message }) => message.text);
}

export function describeDurability(make: StoreMaker): void {
  describe("durability", () => {
    test("a promise outlives SIGKILL, and what was finished is not done again", async () => {
      await using folder = await temporaryFolder();
      const promised: Promised = { kept: new Set(), finished: new Set() };
      for (const lines of [40, 111, 173]) await workAndDie(make, folder.path, lines, promised);

      await using store = await make.open(folder.path);
      const everything = [...promised.kept];
      expect(await store.keep(everything.map((id) => item(id)))).toEqual([]);
      const left = await drain(store);
      expect(left.filter((id) => promised.finished.has(id))).toEqual([]);

      const said = (
        await Promise.all([0, 1, 2, 3, 4].map((lane) => sessionTexts(store, `lane-${lane}`)))
      ).flat();
      expect(new Set(said).size).toBe(said.length);
      // Done or still to do, and never both: the turn was stored with the end of its item.
      expect(new Set([...left, ...said]).size).toBe(left.length + said.length);
      for (const id of promised.finished) expect(said).toContain(id);
      // So was what it used.
      const { sums } = await store.usage.report({ from: 0, until: Number.MAX_SAFE_INTEGER });
      expect(sums).toMatchObject([{ calls: said.length, questions: said.length }]);
      for (const id of everything) expect(left.includes(id) || said.includes(id)).toBe(true);
    });

    test("a second gateway on the same state is refused while the first one runs", async () => {
      await using folder = await temporaryFolder();
      const first = await make.open(folder.path);
      await expect(make.open(folder.path)).rejects.toMatchObject({ code: "conflict" });
      await first.set("still", "mine");
      await first[Symbol.asyncDispose]();
      await using second = await make.open(folder.path);
      expect(await second.get("still")).toBe("mine");
    });
  });
}
