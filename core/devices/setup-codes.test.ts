import { expect, test } from "vitest";
import { LIMITS } from "../../shared/limits.ts";
import type { SetupCode } from "../store/device.ts";
import { SETUP_CODE_LIFE_MS, SetupCodes } from "./setup-codes.ts";

const ASK = { deviceId: "d", publicKey: "k", role: "operator", scopes: [] };

function world(kept: readonly SetupCode[] = []) {
  const clock = { now: 1_800_000_000_000 };
  const disk = { codes: kept, fails: false };
  let count = 0;
  let changes = 0;
  const codes = new SetupCodes({
    store: {
      setupCodes: async () => [...disk.codes],
      setSetupCodes: async (all) => {
        if (disk.fails) throw new Error("disk");
        disk.codes = all;
      },
    },
    now: () => clock.now,
    newId: () => `id-${(count += 1)}`,
    newToken: () => `token-${count}`,
    changed: () => void (changes += 1),
  });
  return { clock, disk, codes, changes: () => changes };
}

test("a code lives for ten minutes to the millisecond", async () => {
  const { clock, codes } = world();
  const { token, code } = await codes.issue("full");
  expect(code.expiresAtMs - code.createdAtMs).toBe(SETUP_CODE_LIFE_MS);
  clock.now += SETUP_CODE_LIFE_MS - 1;
  expect(codes.find(token)?.id).toBe(code.id);
  clock.now += 1;
  expect(codes.find(token)).toBeUndefined();
  expect(await codes.use(code, ASK)).toBe(false);
});

test("the next process knows the codes, and what was used it does not", async () => {
  const { disk, codes } = world();
  const first = await codes.issue("node");
  const second = await codes.issue("limited");
  expect(JSON.stringify(disk.codes)).not.toMatch(/token-/);
  expect(await codes.use(first.code, ASK)).toBe(true);
  const next = world(disk.codes).codes;
  await next.load();
  expect(next.find(first.token)).toBeUndefined();
  expect(next.find(second.token)?.access).toBe("limited");
});

test("a code is gone before the disk knows, and stays gone when the disk fails", async () => {
  const { disk, codes, changes } = world();
  const { token, code } = await codes.issue("full");
  const before = changes();
  disk.fails = true;
  const [one, other] = await Promise.allSettled([codes.use(code, ASK), codes.use(code, ASK)]);
  expect([one.status, other]).toEqual(["rejected", { status: "fulfilled", value: false }]);
  expect(codes.find(token)).toBeUndefined();
  expect(codes.outcome(code.id)).toBeUndefined();
  expect(changes()).toBe(before + 1);
});

test("of too many codes the oldest goes", async () => {
  const { codes } = world();
  const made = [];
  for (let count = 0; count <= LIMITS.maxSetupCodes; count += 1)
    made.push(await codes.issue("node"));
  expect(codes.live).toHaveLength(LIMITS.maxSetupCodes);
  expect(codes.find(made[0]?.token ?? "")).toBeUndefined();
  expect(codes.find(made[1]?.token ?? "")).toBeDefined();
});

test("one code is taken back, or all, and none twice", async () => {
  const { codes } = world();
  const { code } = await codes.issue("node");
  await codes.issue("node");
  expect(await codes.revoke("nothing")).toBe(0);
  expect(await codes.revoke(code.id)).toBe(1);
  expect(await codes.revoke(code.id)).toBe(0);
  expect(await codes.revoke()).toBe(1);
});
