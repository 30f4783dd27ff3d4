import { expect, test } from "vitest";
import { LogSink } from "./log-sink.ts";

function sink(raw: boolean): { readonly logs: LogSink; readonly written: string[] } {
  const written: string[] = [];
  return { logs: new LogSink({ raw, write: (text) => written.push(text), now: () => 0 }), written };
}

const info = JSON.stringify({ level: 30, msg: "up" });
const debug = JSON.stringify({ level: 20, msg: "detail" });
const error = JSON.stringify({ level: 50, msg: "the config is broken", file: "a.json" });

test("nothing is shown while starting, and what was held once the start has succeeded", () => {
  const { logs, written } = sink(false);
  logs.take(info);
  expect(written).toEqual([]);
  logs.open();
  expect(written).toHaveLength(1);
  logs.take(error);
  expect(written).toHaveLength(2);
});

test("debugging lines are for scripts only", () => {
  const people = sink(false);
  people.logs.open();
  people.logs.take(debug);
  expect(people.written).toEqual([]);

  const scripts = sink(true);
  scripts.logs.open();
  scripts.logs.take(debug);
  expect(scripts.written).toEqual([`${debug}\n`]);
});

test("what went wrong last is remembered for the one line a failed start gets", () => {
  const { logs } = sink(false);
  expect(logs.lastError).toBeUndefined();
  logs.take(error);
  logs.take(info);
  expect(logs.lastError).toBe("the config is broken  file=a.json");
});

test("what was held is bounded, and the newest lines are kept", () => {
  const { logs, written } = sink(true);
  for (let index = 0; index < 1_000; index += 1) logs.take(`line ${index}`);
  logs.open();
  expect(written).toHaveLength(200);
  expect(written.at(-1)).toBe("line 999\n");
});

test.each([
  ["a command's one line", ["sallyport: port 1 is in use"], "sallyport: port 1 is in use"],
  [
    "a runtime's last words",
    [
      "file:///x.ts:7",
      "import { a }",
      "         ^",
      "SyntaxError: twice",
      "    at x",
      "Node.js v24",
    ],
    "SyntaxError: twice",
  ],
])("%s is told from what stands around it", (_name, lines, expected) => {
  const { logs } = sink(false);
  for (const line of lines) logs.take(line);
  expect(logs.lastError).toBe(expected);
});
