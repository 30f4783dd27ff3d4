import { EventEmitter, once } from "node:events";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { watchFiles } from "./watch.ts";

interface Watched extends AsyncDisposable {
  readonly dir: string;
  readonly file: string;
  /** Calls until now. */
  readonly calls: () => number;
  /** Does something, and resolves with the call that follows. */
  after(action: () => Promise<unknown>): Promise<void>;
}

async function watched(debounceMs = 10): Promise<Watched> {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-watch-"));
  const file = join(dir, "openclaw.json");
  const events = new EventEmitter();
  let calls = 0;
  const watch = watchFiles([file], {
    debounceMs: () => debounceMs,
    onChange() {
      calls += 1;
      events.emit("change");
    },
  });
  return {
    dir,
    file,
    calls: () => calls,
    async after(action) {
      const changed = once(events, "change");
      await action();
      await changed;
    },
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]();
      await rm(dir, { recursive: true });
    },
  };
}

test("a file that comes, changes, is replaced and goes is noticed each time", async () => {
  await using it = await watched();
  await it.after(() => writeFile(it.file, "1"));
  await it.after(() => writeFile(it.file, "2"));
  // As editors do that never leave a half-written file behind.
  await it.after(async () => {
    await writeFile(join(it.dir, "draft"), "2");
    await rename(join(it.dir, "draft"), it.file);
  });
  await it.after(() => rm(it.file));
  await it.after(() => writeFile(it.file, "2"));
  expect(it.calls()).toBe(5);
});

test("a link whose folder is exchanged beneath it is noticed", async () => {
  await using it = await watched();
  await mkdir(join(it.dir, "v1"));
  await mkdir(join(it.dir, "v2"));
  await writeFile(join(it.dir, "v1", "openclaw.json"), "1");
  await writeFile(join(it.dir, "v2", "openclaw.json"), "2");
  await symlink("v1", join(it.dir, "..data"));
  await it.after(() => symlink("..data/openclaw.json", it.file));
  await it.after(async () => {
    await symlink("v2", join(it.dir, "..next"));
    await rename(join(it.dir, "..next"), join(it.dir, "..data"));
  });
});

test("what is written in many steps is one change", async () => {
  await using it = await watched(600);
  await it.after(async () => {
    for (let step = 0; step < 20; step += 1) await writeFile(it.file, "x".repeat(step));
  });
  expect(it.calls()).toBe(1);
});
