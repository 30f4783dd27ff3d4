import { expect, test } from "vitest";
import { jobMeant } from "./job.ts";
import { Job } from "./text.ts";

const JOBS = [
  ["8a623ff2-4252-4ef1-8362-f8390bf266e7", "morning"],
  ["8a62ffff-4252-4ef1-8362-f8390bf266e7", "evening"],
  ["0c1d2e3f-4252-4ef1-8362-f8390bf266e7", "twice"],
  ["1c1d2e3f-4252-4ef1-8362-f8390bf266e7", "twice"],
].map(([id, name]) =>
  Job.parse({
    id,
    name,
    enabled: true,
    schedule: { kind: "every", everyMs: 60_000 },
    sessionTarget: "isolated",
    wakeMode: "now",
    payload: { kind: "agentTurn", message: "Hello" },
    state: {},
  }),
);

test.each([
  ["0c1d2e3f-4252-4ef1-8362-f8390bf266e7", "0c1d2e3f"],
  ["morning", "8a623ff2"],
  ["8a623", "8a623ff2"],
])("%s means one job", (wanted, id) => {
  expect(jobMeant(JOBS, wanted).id).toMatch(new RegExp(`^${id}`));
});

test.each([
  ["nope", "there is no job nope; sallyport cron list --all shows them"],
  ["0c1", "there is no job 0c1; sallyport cron list --all shows them"],
  ["twice", "twice fits several jobs: say an id"],
  ["8a62", "8a62 fits several jobs: say an id"],
])("%s is refused, and what to do is said", (wanted, message) => {
  expect(() => jobMeant(JOBS, wanted)).toThrow(message);
});
