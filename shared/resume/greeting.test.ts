import { expect, test } from "vitest";
import { randomToken } from "../bytes.ts";
import { readHello, readWelcome } from "./greeting.ts";

const resume = randomToken();

test("greetings are read, with fields of a later version ignored", () => {
  const hello = { resume: null, received: 0, protocols: ["a", "b"] };
  expect(readHello(JSON.stringify({ ...hello, later: 1 }))).toEqual({ ok: true, value: hello });
  const welcome = { resume, received: 7, protocol: "", fresh: false };
  expect(readWelcome(JSON.stringify(welcome))).toEqual({ ok: true, value: welcome });
});

test.each([
  { name: "nothing", text: "" },
  { name: "no JSON", text: "{" },
  { name: "no object", text: "null" },
  { name: "an id too short", text: JSON.stringify({ resume: "x", received: 0, protocols: [] }) },
  { name: "a negative number", text: JSON.stringify({ resume, received: -1, protocols: [] }) },
  { name: "half a number", text: JSON.stringify({ resume, received: 0.5, protocols: [] }) },
  {
    name: "too many protocols",
    text: JSON.stringify({ resume, received: 0, protocols: Array(17).fill("p") }),
  },
  {
    name: "too much",
    text: JSON.stringify({ resume, received: 0, protocols: [], x: "y".repeat(5_000) }),
  },
])("$name is no greeting", ({ text }) => {
  expect(readHello(text)).toEqual({ ok: false, error: { reason: "malformed" } });
  expect(readWelcome(text).ok).toBe(false);
});
