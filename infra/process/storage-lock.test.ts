import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockStorage } from "./storage-lock.ts";

test("a storage folder has one user at a time, and the next when that is gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-lock-"));
  try {
    const first = await lockStorage(folder);
    expect(first).toBeDefined();
    // The second comes while the first is there, and waits: it gets in as soon as that ends.
    const second = lockStorage(folder);
    first?.[Symbol.dispose]();
    const held = await second;
    expect(held).toBeDefined();
    expect(await lockStorage(folder)).toBeUndefined();
    held?.[Symbol.dispose]();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
