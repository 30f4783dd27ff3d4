import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

/** Data flows down this list; an import may only point further down, or within one line. */
const LAYERS: readonly (readonly string[])[] = [
  ["core/main.ts"],
  ["core/cli/"],
  ["core/upstream/", "core/doctor/", "core/migrate/"],
  ["core/service/"],
  ["core/gateway/"],
  [
    "core/methods/",
    "core/http/",
    "core/resume/",
    "core/tunnel/",
    "core/cron/",
    "core/devices/",
    "core/webhooks/",
  ],
  ["core/conversation/"],
  ["core/agents/"],
  ["core/channels/", "core/models/"],
  ["core/store/"],
  ["core/config/"],
  ["core/log.ts", "core/log-file.ts", "core/log-line.ts"],
  ["shared/"],
];

/** Adapter folders and the only files outside them that may import from them. */
const ADAPTERS: readonly { readonly folder: RegExp; readonly registry: string }[] = [
  { folder: /^core\/channels\/[^/]+\//, registry: "core/channels/registry.ts" },
  { folder: /^core\/models\/[^/]+\//, registry: "core/models/registry.ts" },
];

const RELATIVE_IMPORT = /(?:\bfrom\s+|\bimport\s*\(?\s*)"(?<path>\.{1,2}\/[^"]+)"/g;

interface Import {
  readonly file: string;
  readonly target: string;
}

function importsOf(file: string): Import[] {
  return [...readFileSync(file, "utf8").matchAll(RELATIVE_IMPORT)].map((match) => ({
    file,
    target: normalize(join(dirname(file), match.groups?.["path"] ?? "")),
  }));
}

function sources(pattern: string): string[] {
  return globSync(pattern, { exclude: ["**/node_modules/**"] })
    .filter((file) => !file.endsWith(".test.ts"))
    .toSorted();
}

function layerOf(file: string): number {
  return LAYERS.findIndex((line) => line.some((prefix) => file.startsWith(prefix)));
}

const all = ["shared", "edge", "core", "infra"]
  .flatMap((top) => sources(`${top}/**/*.ts`))
  .flatMap(importsOf);

test("every file of the core stands in a layer", () => {
  expect(sources("core/**/*.ts").filter((file) => layerOf(file) < 0)).toEqual([]);
});

test("imports in core/ follow the data and never climb back", () => {
  const climbs = all.filter(
    ({ file, target }) => file.startsWith("core/") && layerOf(target) < layerOf(file),
  );
  expect(climbs).toEqual([]);
});

test("a top-level folder imports itself and shared/, nothing else", () => {
  const strays = all.filter(({ file, target }) => {
    const top = target.split("/")[0];
    return top !== "shared" && top !== file.split("/")[0];
  });
  expect(strays).toEqual([]);
});

test("an adapter is imported by its registry alone", () => {
  const strays = all.filter(({ file, target }) =>
    ADAPTERS.some(({ folder, registry }) => {
      const home = folder.exec(target)?.[0];
      return home !== undefined && !file.startsWith(home) && file !== registry;
    }),
  );
  expect(strays).toEqual([]);
});

test("no file re-exports another", () => {
  const barrels = ["shared", "edge", "core", "infra"]
    .flatMap((top) => sources(`${top}/**/*.ts`))
    .filter((file) => /^export\s+(?:\*|\{[^}]*\}\s+from)/m.test(readFileSync(file, "utf8")))
    .filter((file) => file !== "edge/worker.ts");
  expect(barrels).toEqual([]);
});

/** The whole of zod would be a third of the script that every isolate of the edge loads. */
test("what the edge carries checks with zod/mini", () => {
  const whole = ["shared", "edge"]
    .flatMap((top) => sources(`${top}/**/*.ts`))
    .filter((file) => /\bfrom\s+"zod"/.test(readFileSync(file, "utf8")));
  expect(whole).toEqual([]);
});

/** Vitest's own patience of a second is too short on a machine that has other work too. */
test("tests wait by `until` and `eventually`, and so with the same patience", () => {
  const impatient = globSync("{shared,edge,core,infra,test}/**/*.ts")
    .filter((file) => file !== join("test", "support", "until.ts"))
    .filter((file) => /\bvi\s*\.wait(?:For|Until)\(/.test(readFileSync(file, "utf8")));
  expect(impatient).toEqual([]);
});

test("the top level is the fixed one", () => {
  const entries = globSync("*").filter((name) => name !== "node_modules");
  expect(entries.toSorted()).toEqual(
    [
      "LICENSE",
      "README.md",
      "core",
      "edge",
      "infra",
      "package-lock.json",
      "package.json",
      "shared",
      "test",
      "tsconfig.json",
      "wrangler.toml",
    ].toSorted(),
  );
});
