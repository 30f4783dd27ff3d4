import { expect, test } from "vitest";
import { createCurrentTime } from "./current-time.ts";
import { createTools } from "./registry.ts";

/** A Sunday, half an hour before midnight in UTC. */
const NOW = Date.parse("2026-03-29T23:30:05Z");

async function run(input: unknown): Promise<string> {
  return createCurrentTime(() => NOW).run(input, new AbortController().signal);
}

test.each([
  ["no zone, which is UTC", {}, "2026-03-29T23:30:05Z (UTC, Sunday)"],
  [
    "summer time",
    { timezone: "Europe/Berlin" },
    "2026-03-30T01:30:05+02:00 (Europe/Berlin, Monday)",
  ],
  [
    "half an hour",
    { timezone: "Asia/Kolkata" },
    "2026-03-30T05:00:05+05:30 (Asia/Kolkata, Monday)",
  ],
  [
    "the west",
    { timezone: "America/New_York" },
    "2026-03-29T19:30:05-04:00 (America/New_York, Sunday)",
  ],
])("the time is told with %s", async (_name, input, expected) => {
  expect(await run(input)).toBe(expected);
});

test("midnight is the hour 00", async () => {
  const tool = createCurrentTime(() => Date.parse("2026-01-01T00:00:00Z"));
  expect(await tool.run({}, new AbortController().signal)).toBe(
    "2026-01-01T00:00:00Z (UTC, Thursday)",
  );
});

test.each([
  ["a zone that does not exist", { timezone: "Mars/Olympus" }, "Unknown time zone"],
  ["an empty zone", { timezone: "" }, "Unknown time zone"],
  ["a zone that is a number", { timezone: 5 }, "Bad input"],
  ["a zone without end", { timezone: "x".repeat(65) }, "Bad input"],
  ["a key nobody knows", { zone: "UTC" }, "Bad input"],
  ["no object", "UTC", "Bad input"],
])("%s is answered with what is wrong", async (_name, input, expected) => {
  expect(await run(input)).toContain(expected);
});

test("the model is told what the tool takes", () => {
  expect(createTools(() => NOW).map(({ spec }) => spec)).toEqual([
    {
      name: "current_time",
      description: expect.any(String),
      parameters: {
        type: "object",
        properties: {
          timezone: { type: "string", maxLength: 64, description: expect.stringContaining("IANA") },
        },
        additionalProperties: false,
      },
    },
  ]);
});
