import { expect, type Check } from "./check.ts";
import type { CliResult } from "./installation.ts";
import { MODEL_SAYS, type World } from "./world.ts";

/** All that a person with an OpenClaw behind the edge has set up on a laptop. */
function remote(world: World, token = world.token): object {
  const url = world.url.origin.replace("https:", "wss:");
  // The edge's own: that of OpenClaw is put in by the connector, and this machine never has it.
  return { gateway: { mode: "remote", remote: { url, token } } };
}

function local(world: World): object {
  const url = world.direct.origin.replace("http:", "ws:");
  return { gateway: { mode: "remote", remote: { url, token: world.openclawToken } } };
}

/** A command that must work, and a word that its answer must have. */
function works(args: readonly string[], word: string): Check<World> {
  return {
    name: `cli: openclaw ${args.join(" ")}`,
    async run(world) {
      const result = await world.cli(remote(world), args);
      expect(result.code === 0 && result.out.includes(word), describe(result));
      return `${Math.round(result.ms)} ms`;
    },
  };
}

function describe({ code, out }: CliResult): string {
  return `exit ${code}: ${out.slice(-500)}`;
}

export const CLI_CHECKS: readonly Check<World>[] = [
  {
    name: "cli: openclaw health --json, timed beside the same without the edge",
    async run(world) {
      const times = { edge: 0, direct: 0 };
      for (let round = 0; round < 3; round += 1) {
        const through = await world.cli(remote(world), ["health", "--json"]);
        expect(through.code === 0 && through.out.includes('"ok": true'), describe(through));
        const direct = await world.cli(local(world), ["health", "--json"]);
        expect(direct.code === 0, describe(direct));
        times.edge += through.ms / 3;
        times.direct += direct.ms / 3;
      }
      return `${Math.round(times.edge)} ms through the edge, ${Math.round(times.direct)} direct`;
    },
  },
  works(["gateway", "call", "health"], '"ok": true'),
  works(["status", "--json"], '"reachable": true'),
  works(["models", "list", "--json"], "fake/echo"),
  works(["system", "presence", "--json"], "gateway"),
  works(["cron", "add", "--name", "t1", "--every", "1h", "--message", "hi", "--json"], "t1"),
  works(["cron", "list", "--json"], "t1"),
  works(["devices", "list", "--json"], "paired"),
  works(["logs", "--limit", "5", "--plain"], ""),
  works(["agent", "--agent", "main", "--message", "Say it", "--json"], MODEL_SAYS),
  {
    name: "cli: an unknown method is OpenClaw's own error",
    async run(world) {
      const result = await world.cli(remote(world), ["gateway", "call", "nope"]);
      expect(result.code === 1 && result.out.includes("unknown method"), describe(result));
      return result.out.trim().split("\n").at(-1) ?? "";
    },
  },
  {
    name: "cli: with a wrong token of the edge nothing gets through",
    async run(world) {
      const result = await world.cli(remote(world, "wrong"), ["gateway", "call", "health"]);
      expect(result.code === 1 && result.out.includes("token mismatch"), describe(result));
      return result.out.trim().split("\n").at(-1)?.slice(0, 120) ?? "";
    },
  },
];
