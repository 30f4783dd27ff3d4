import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Lease } from "../../../core/store/store.ts";
import { type StoreMaker, temporaryFolder } from "./world.ts";

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));

/** Opens the state in `dir` and closes it again. */
async function leaseOf(make: StoreMaker, dir: string): Promise<Lease> {
  await using store = await make.open(dir);
  return store.lease;
}

interface Holder extends AsyncDisposable {
  readonly lease: Lease;
  /** SIGKILL, at once. */
  readonly kill: () => void;
}

/** A process that holds the state in `dir` and works on it. */
async function hold(make: StoreMaker, dir: string): Promise<Holder> {
  const child = spawn(process.execPath, [CHILD, make.adapter, dir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const [, store = "", epoch] = String(line).split(" ");
  const kill = (): void => void child.kill("SIGKILL");
  return {
    lease: { store, epoch: Number(epoch) },
    kill,
    async [Symbol.asyncDispose]() {
      kill();
      await exited;
    },
  };
}

export function describeLease(make: StoreMaker): void {
  describe("lease", () => {
    test("each opening counts one up, and the store keeps its name", async () => {
      await using folder = await temporaryFolder();
      const leases: Lease[] = [];
      for (let count = 0; count < 3; count += 1) leases.push(await leaseOf(make, folder.path));
      expect(leases.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
      expect(new Set(leases.map(({ store }) => store)).size).toBe(1);
      expect(leases[0]?.store).toMatch(/^[A-Za-z0-9_-]{43}$/);
    });

    test("two states have two names", async () => {
      await using one = await temporaryFolder();
      await using two = await temporaryFolder();
      const first = await leaseOf(make, one.path);
      expect((await leaseOf(make, two.path)).store).not.toBe(first.store);
    });

    test("a copy is named anew, counts on and knows what the original did", async () => {
      await using original = await temporaryFolder();
      await using copy = await temporaryFolder();
      const before = await leaseOf(make, original.path);
      {
        await using store = await make.open(original.path);
        await store.set("told", "before the copy");
      }
      await make.copy(original.path, copy.path);
      await using copied = await make.open(copy.path);
      expect(copied.lease.store).not.toBe(before.store);
      expect(copied.lease.epoch).toBe(before.epoch + 2);
      expect(await copied.get("told")).toBe("before the copy");
      expect(await leaseOf(make, original.path)).toEqual({ ...before, epoch: before.epoch + 2 });
      // The copy keeps the name it got.
      const { store } = copied.lease;
      await copied[Symbol.asyncDispose]();
      expect(await leaseOf(make, copy.path)).toMatchObject({ store });
    });

    test("whoever was refused has not counted", async () => {
      await using folder = await temporaryFolder();
      await using first = await make.open(folder.path);
      await expect(make.open(folder.path)).rejects.toMatchObject({ code: "conflict" });
      await first[Symbol.asyncDispose]();
      expect((await leaseOf(make, folder.path)).epoch).toBe(first.lease.epoch + 1);
    });

    test("a process that was killed has counted, and whoever waits for it is next", async () => {
      await using folder = await temporaryFolder();
      const before = await leaseOf(make, folder.path);
      await using holder = await hold(make, folder.path);
      expect(holder.lease).toEqual({ ...before, epoch: before.epoch + 1 });
      const waiting = make.wait(folder.path, holder.kill, new AbortController().signal);
      await using next = await waiting;
      expect(next?.lease).toEqual({ ...before, epoch: before.epoch + 2 });
      // It can write, too.
      await next?.set("who", "the next one");
      expect(await next?.get("who")).toBe("the next one");
    });

    test("whoever waits for a state can be told to stop", async () => {
      await using folder = await temporaryFolder();
      await using first = await make.open(folder.path);
      const stop = new AbortController();
      const waiting = make.wait(folder.path, () => stop.abort(), stop.signal);
      expect(await waiting).toBeUndefined();
      await first.set("still", "mine");
    });
  });
}
