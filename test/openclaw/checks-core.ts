import * as z from "zod";
import { expect, type Check } from "./check.ts";
import { CORE_SAYS, type CoreWorld, type Way } from "./core-world.ts";
import type { CliResult } from "./installation.ts";

const WAYS: readonly Way[] = ["directly", "through the edge"];

/** Commands that must work, and a word that their answers must have. */
const WORKING: readonly (readonly [string, string])[] = [
  ["health --json", '"ok": true'],
  ["status --json", '"reachable": true'],
  ["status --all", "Gateway"],
  ["gateway status --json", '"ok": true'],
  ["gateway probe --json", '"ok": true'],
  ["gateway call health", '"ok": true'],
  ["gateway call sessions.list", '"sessions"'],
  ["gateway call config.get", '"hash"'],
  ["gateway call config.schema", '"schema"'],
  ["models list --json", "fake/echo"],
  ["channels status --json", '"channels"'],
  ["system presence --json", "gateway"],
  ["system heartbeat last --json", ""],
  ["devices list --json", "paired"],
  ["approvals get --gateway --json", '"hash"'],
  ["nodes status --json", '"nodes"'],
  ["logs --limit 5 --plain", ""],
  ["cron status --json", '"enabled"'],
  ["secrets reload --json", '"ok": true'],
  ["gateway usage-cost --json", '"totals"'],
  ["gateway stability --json", ""],
  ["gateway call device.pair.setupCode", '"setupCode"'],
];

function describe({ code, out }: CliResult): string {
  return `exit ${code}: ${out.slice(-500)}`;
}

async function ran(world: CoreWorld, way: Way, args: readonly string[]): Promise<CliResult> {
  const result = await world.cli(way, args);
  expect(result.code === 0, describe(result));
  return result;
}

function working(way: Way): Check<CoreWorld>[] {
  return WORKING.map(([command, word]) => ({
    name: `${way}: openclaw ${command}`,
    async run(world) {
      const result = await ran(world, way, command.split(" "));
      expect(result.out.includes(word), describe(result));
      return `${Math.round(result.ms)} ms`;
    },
  }));
}

const Job = z.looseObject({ id: z.string() });

function jsonIn({ out }: CliResult): unknown {
  return JSON.parse(out.slice(out.indexOf("{"), out.lastIndexOf("}") + 1));
}

function acting(way: Way): Check<CoreWorld>[] {
  return [
    {
      name: `${way}: openclaw agent answers, with and without the name of the agent`,
      async run(world) {
        for (const named of [["--agent", "main"], []]) {
          const result = await ran(world, way, ["agent", ...named, "--message", "Hi", "--json"]);
          expect(result.out.includes(CORE_SAYS), describe(result));
        }
        return "answered twice";
      },
    },
    {
      name: `${way}: openclaw gateway call agent --expect-final has the answer`,
      async run(world) {
        const params = JSON.stringify({ message: "Hi", idempotencyKey: `k-${way}` });
        const args = ["gateway", "call", "agent", "--params", params, "--expect-final", "--json"];
        const result = await ran(world, way, args);
        expect(result.out.includes(CORE_SAYS), describe(result));
        return "answered";
      },
    },
    {
      name: `${way}: openclaw cron adds, lists, runs and removes a job`,
      async run(world) {
        const add = ["cron", "add", "--name", "t1", "--every", "1h", "--message", "Hi", "--json"];
        const { id } = Job.parse(jsonIn(await ran(world, way, add)));
        const list = await ran(world, way, ["cron", "list", "--json"]);
        expect(list.out.includes(id), describe(list));
        await ran(world, way, ["cron", "run", id]);
        await ran(world, way, ["cron", "runs", "--id", id]);
        await ran(world, way, ["cron", "edit", id, "--name", "t2"]);
        await ran(world, way, ["cron", "rm", id, "--json"]);
        const left = await ran(world, way, ["cron", "list", "--json"]);
        expect(!left.out.includes(id), describe(left));
        return id;
      },
    },
    {
      name: `${way}: a secret that is stored is listed without its value, and is gone when it is deleted`,
      async run(world) {
        const secret = { name: "SOME_KEY", value: "not-to-be-told", kind: "secret" };
        const call = (method: string, params: object): Promise<CliResult> => {
          const args = ["gateway", "call", method, "--params", JSON.stringify(params), "--json"];
          return ran(world, way, args);
        };
        await call("secrets.store.set", secret);
        await ran(world, way, ["secrets", "reload"]);
        const listed = await call("secrets.store.list", {});
        expect(listed.out.includes(secret.name), describe(listed));
        expect(!listed.out.includes(secret.value), "the value was told");
        await call("secrets.store.delete", { name: secret.name });
        const left = await call("secrets.store.list", {});
        expect(!left.out.includes(secret.name), describe(left));
        return "kept, listed, deleted";
      },
    },
    {
      name: `${way}: openclaw sessions compact is answered`,
      async run(world) {
        const result = await world.cli(way, ["sessions", "compact", "agent:main:main", "--json"]);
        expect(result.out.includes("agent:main:main"), describe(result));
        return `exit ${result.code}`;
      },
    },
    {
      name: `${way}: openclaw system event is taken`,
      async run(world) {
        await ran(world, way, ["system", "event", "--mode", "now", "--text", "It rains"]);
        return "taken";
      },
    },
    {
      name: `${way}: an unknown method is an error that says so`,
      async run(world) {
        const result = await world.cli(way, ["gateway", "call", "nope.method"]);
        expect(result.code === 1 && result.out.includes("unknown method"), describe(result));
        return "refused";
      },
    },
    {
      name: `${way}: a wrong token is told to be one`,
      async run(world) {
        const result = await world.cli(way, ["gateway", "call", "health"], "wrong");
        expect(result.code === 1 && result.out.includes("token mismatch"), describe(result));
        return "refused";
      },
    },
  ];
}

export const CORE_CHECKS: readonly Check<CoreWorld>[] = WAYS.flatMap((way) => [
  ...working(way),
  ...acting(way),
]);
