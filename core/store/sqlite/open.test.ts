import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { REMEMBER_MS } from "../limits.ts";
import { openSqliteStore } from "./open.ts";

const NOW = 1_790_000_000_000;
const DAY_MS = 24 * 3_600_000;

async function folder(): Promise<
  AsyncDisposable & { readonly path: string; readonly file: string }
> {
  const path = await mkdtemp(join(tmpdir(), "sallyport-sqlite-"));
  return {
    path,
    file: join(path, "sallyport.sqlite"),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

test("only the owner can read the state, and no index is shared through a file", async () => {
  await using dir = await folder();
  await using store = await openSqliteStore({ stateDir: dir.path, now: () => NOW });
  await store.set("a", "1");
  const names = (await readdir(dir.path)).toSorted();
  expect(names).toEqual(["gateway.pid", "sallyport.sqlite", "sallyport.sqlite-wal"]);
  for (const name of names) {
    expect((await stat(join(dir.path, name))).mode & 0o777, name).toBe(0o600);
  }
});

test("a state that others could read is closed to them", async () => {
  await using dir = await folder();
  await writeFile(dir.file, "", { mode: 0o644 });
  await using store = await openSqliteStore({ stateDir: dir.path, now: () => NOW });
  await store.set("a", "1");
  expect((await stat(dir.file)).mode & 0o777).toBe(0o600);
});

test("a stopped gateway leaves one file and no pid", async () => {
  await using dir = await folder();
  const store = await openSqliteStore({ stateDir: dir.path, now: () => NOW });
  await store[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  expect(await readdir(dir.path)).toEqual(["sallyport.sqlite"]);
});

test("who holds the state is named to the second gateway", async () => {
  await using dir = await folder();
  await using store = await openSqliteStore({ stateDir: dir.path, now: () => NOW });
  await expect(openSqliteStore({ stateDir: dir.path, now: () => NOW })).rejects.toThrow(
    new RegExp(
      `Another gateway \\(pid ${process.pid} on .+\\) is using .+sallyport.sqlite: stop it`,
    ),
  );
  await store.set("still", "works");
});

test.each([
  ["no database", "this is not a database, and it is long enough to look like one ".repeat(20)],
  ["a picture", `\u0089PNG\r\n${"x".repeat(2000)}`],
])("a file that is %s is refused and left as it is", async (_name, content) => {
  await using dir = await folder();
  await writeFile(dir.file, content);
  await expect(openSqliteStore({ stateDir: dir.path, now: () => NOW })).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining("is damaged or no database"),
  });
  expect((await stat(dir.file)).size).toBe(Buffer.byteLength(content));
});

test("the state of a newer version is refused", async () => {
  await using dir = await folder();
  const first = await openSqliteStore({ stateDir: dir.path, now: () => NOW });
  await first[Symbol.asyncDispose]();
  const db = new DatabaseSync(dir.file);
  db.exec("pragma user_version = 99");
  db.close();
  await expect(openSqliteStore({ stateDir: dir.path, now: () => NOW })).rejects.toMatchObject({
    code: "version_unsupported",
  });
});

test("a database of another program is refused", async () => {
  await using dir = await folder();
  const db = new DatabaseSync(dir.file);
  db.exec("create table inbox (id text)");
  db.close();
  await expect(openSqliteStore({ stateDir: dir.path, now: () => NOW })).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining("belongs to another program"),
  });
});

test("a folder that is not there is refused in one line", async () => {
  await using dir = await folder();
  await expect(
    openSqliteStore({ stateDir: join(dir.path, "missing"), now: () => NOW }),
  ).rejects.toThrow(/ENOENT/);
});

test("ended things are forgotten after their time, and not before", async () => {
  await using dir = await folder();
  let now = NOW;
  const open = () => openSqliteStore({ stateDir: dir.path, now: () => now });
  const item = (id: string) => ({ id, source: "hook", lane: id, payload: 1, receivedAt: now });

  const store = await open();
  await store.keep([item("done"), item("dead"), item("running")]);
  await store.take(9, now);
  await store.finish("done", []);
  await store.bury("dead", "no handler");
  await store[Symbol.asyncDispose]();

  const known = async (): Promise<string[]> => {
    await using later = await open();
    const fresh = await later.keep([item("done"), item("dead"), item("running")]);
    // What was new here would be remembered from now on: end it in a time long gone.
    const taken = await later.take(9, now);
    await Promise.all(
      taken.filter(({ id }) => fresh.includes(id)).map(({ id }) => later.finish(id, [])),
    );
    return ["done", "dead", "running"].filter((id) => !fresh.includes(id));
  };
  now = NOW + REMEMBER_MS;
  expect(await known()).toEqual(["done", "dead", "running"]);
  now = NOW + REMEMBER_MS + 1;
  expect(await known()).toEqual(["dead", "running"]);
  now = NOW + 30 * DAY_MS + 1;
  expect(await known()).toEqual(["running"]);
});
