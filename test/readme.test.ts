/** What the pages for people say, as far as a program can tell whether it is so. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { isPassedOver, settingAt } from "../core/config/file/describe.ts";
import { ROUTE_TABLE } from "../core/http/routes.ts";
import { runProgram } from "./support/run-program.ts";

const PAGES = globSync("{README.md,{core,edge,infra,shared,test}/**/*.md}");
const README = readFileSync("README.md", "utf8");

/** Text outside of blocks of code, which may show links to what is not there. */
function proseOf(page: string): string {
  return readFileSync(page, "utf8").replaceAll(/^ *```.*?^ *```/gms, "");
}

/** As GitHub makes them of headings. */
function anchorsOf(page: string): string[] {
  return Array.from(proseOf(page).matchAll(/^#+ (.+)$/gm), ([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

test.each(PAGES)("every link in %s leads somewhere", (page) => {
  const broken = Array.from(
    proseOf(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g),
    ([, path = "", anchor]) => ({ file: path === "" ? page : join(dirname(page), path), anchor }),
  ).filter(({ file, anchor }) => {
    if (!existsSync(file)) return true;
    return anchor !== undefined && file.endsWith(".md") && !anchorsOf(file).includes(anchor);
  });
  expect(broken).toEqual([]);
});

test("every route of the core is in the README", () => {
  // `/healthz` and its like may be told in short.
  const paths = [...ROUTE_TABLE.values()].flatMap((route) => route.paths.slice(0, 1));
  expect(paths.filter((path) => path !== "/hooks/{name}" && !README.includes(path))).toEqual([]);
});

test("every command is in the README", async () => {
  const { out } = await runProgram(["help"], { cwd: tmpdir(), env: { HOME: tmpdir() } });
  const names = new Set(Array.from(out.matchAll(/^ {2}sallyport ([a-z]+)/gm), ([, name]) => name));
  expect(names.size).toBeGreaterThan(20);
  const missing = [...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(README));
  expect(missing).toEqual([]);
});

test.each(["README.md", "core/config/README.md"])(
  "every setting that %s has in a table is one",
  (page) => {
    const [, table = ""] = readFileSync(page, "utf8").split("| key | default | meaning |");
    const rows = table.split("\n\n")[0]?.split("\n") ?? [];
    const keys = rows.flatMap((row) => {
      const names = Array.from(
        (row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g),
        ([, key = ""]) => key,
      );
      const [first = ""] = names;
      // `.name` stands for a sibling of the first one.
      return names.map((key) => (key.startsWith(".") ? first.replace(/\.[^.]+$/, key) : key));
    });
    expect(keys.length).toBeGreaterThan(10);
    const unknown = keys.filter((key) => {
      const path = key.replace("<id>", "some").split(".");
      return settingAt(path) === undefined || isPassedOver(path);
    });
    expect(unknown).toEqual([]);
  },
);
