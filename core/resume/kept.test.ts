import { expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { LIMITS } from "../../shared/limits.ts";
import { encodeKept, readKept } from "./kept.ts";

const id = randomToken();

test.each([
  { name: "nothing of the app's", app: "" },
  { name: "several lines of the app's", app: '{"a":"1 2"}\n+-' },
  { name: "an app that cannot go on", app: undefined },
])("what is kept is read again: $name", ({ app }) => {
  const kept = {
    id,
    history: {
      received: 7,
      beyond: [
        { from: 9, to: 9 },
        { from: 12, to: 20 },
      ],
    },
    app,
  };
  expect(readKept(encodeKept(kept))).toEqual(kept);
});

test("an app that keeps too much cannot go on, but its session is known", () => {
  const kept = { id, history: { received: 7, beyond: [] } };
  const line = encodeKept({ ...kept, app: "é".repeat(LIMITS.maxNoteBytes / 2) });
  expect(readKept(line)).toEqual({ ...kept, app: undefined });
});

test("holes without end are not kept", () => {
  const beyond = Array.from({ length: 1_000 }, (_v, index) => ({ from: index * 4, to: index * 4 }));
  const line = encodeKept({ id, history: { received: 7, beyond }, app: "x" });
  expect(readKept(line)).toEqual({ id, history: { received: 0, beyond: [] }, app: undefined });
});

test.each([
  "",
  "{}",
  id,
  `${id} 1`,
  `${id} x +`,
  `${id} 1,2 +`,
  `${id.slice(1)} 1 +x`,
  `${id} 1 x`,
])("what no core has written is not read: %j", (text) => {
  expect(readKept(text)).toBeUndefined();
});
