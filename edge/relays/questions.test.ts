import { expect, test } from "vitest";
import { readSettings } from "../env.ts";
import { Relays } from "./relays.ts";

/** Nobody is called here: who is asked, and when, is what counts. */
const RELAY: DurableObjectNamespace = Object.assign(Object.create(null), {
  idFromName: (name: string) => name,
});

let now = 0;

function createRelays(names: string, draining = ""): Relays {
  const vars = { RELAY, TENANT: "default", RELAYS: names, RELAYS_DRAINING: draining };
  return new Relays(RELAY, readSettings(vars), () => now);
}

test("a question goes on to the next relay until an answer is enough", async () => {
  const relays = createRelays("weur:1,enam:1", "weur:0");
  const asked: string[] = [];
  const answer = await relays.askEach(
    async (relay) => {
      asked.push(relay.name);
      return relay.name === "weur:1" ? undefined : relay.name;
    },
    (name) => name === "weur:0",
  );
  expect(answer).toBe("weur:0");
  expect(asked).toEqual(["weur:1", "enam:1", "weur:0"]);
  const poor = await relays.askEach(
    async ({ name }) => name,
    () => false,
  );
  expect(poor).toBe("weur:1");
});

test("relays that keep silent are not all waited for", async () => {
  const relays = createRelays("weur:1,enam:1,apac:1,oc:1");
  now = 0;
  const asked = relays.askEach(
    async (_relay, deadlineMs) => {
      now += deadlineMs;
      return undefined;
    },
    () => true,
  );
  expect(await asked).toBeUndefined();
  expect(now).toBeLessThanOrEqual(4_000);
});

test("cores are told every relay, and find each by its name", () => {
  const relays = createRelays("weur:1,enam:1", "weur:0");
  expect(relays.text).toBe("weur:1 enam:1 weur:0/draining");
  const roles = ["weur:1", "enam:1", "weur:0"].map((name) => {
    const relay = relays.named(name);
    return relay === undefined ? undefined : relays.roleOf(relay);
  });
  expect(roles).toEqual(["primary", "standby", "draining"]);
  expect(relays.named("enam:2")).toBeUndefined();
});
