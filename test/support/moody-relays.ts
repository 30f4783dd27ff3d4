/** An edge whose relays can be made to fail one by one, as a region that is gone would. */
import * as z from "zod";
import { bundleVariant } from "./bundle-variant.ts";
import type { RunningEdge } from "./edge.ts";

/** What a relay does with calls of the kinds that are named. */
export type Mood =
  | "well"
  /** Nothing is done, the call fails. */
  | "throws"
  /** Nothing is done, and nothing is said. */
  | "hangs"
  /** Everything is done, and the answer is lost. */
  | "loses-answers";

const CONTROL = "X-Test-Relays";

/** Text of a Worker: the product's own source with each relay behind its mood. */
const WORKER = `
import app, { Relay as Product } from "./edge/worker.ts";

const realNow = Date.now;
const moods = new Map();
const calls = [];

const objectOf = (env, name) => env.RELAY.idFromName("relay:v1:" + env.TENANT + ":" + name + ":0");

export class Relay extends Product {
  #name;

  constructor(ctx, env) {
    super(ctx, env);
    const names = [...env.RELAYS.split(","), ...env.RELAYS_DRAINING.split(",")];
    this.#name = names.find((name) => String(objectOf(env, name)) === String(ctx.id));
  }

  async fetch(request) {
    const { kind } = JSON.parse(request.headers.get("X-Gw-Internal-Call"));
    const { mood = "well", kinds = [] } = moods.get(this.#name) ?? {};
    calls.push({ name: this.#name, kind });
    const given = kinds.length === 0 || kinds.includes(kind) ? mood : "well";
    if (given === "throws") throw new Error("this region is gone");
    if (given === "hangs") return new Promise(() => undefined);
    const answer = await super.fetch(request);
    if (given === "loses-answers") throw new Error("the answer is lost");
    return answer;
  }
}

export default {
  async fetch(request, env, ctx) {
    const text = request.headers.get("${CONTROL}");
    if (text === null) return app.fetch(request, env, ctx);
    const { name, mood, kinds, aheadMs } = JSON.parse(text);
    if (aheadMs !== undefined) Date.now = () => realNow() + aheadMs;
    if (name !== undefined) moods.set(name, { mood, kinds });
    return Response.json(calls.splice(0));
  },
};
`;

/** @returns The path of its bundle, for `startEdge`. */
export function bundleMoodyEdge(): Promise<string> {
  return bundleVariant("moody", WORKER);
}

const Calls = z.array(z.object({ name: z.string(), kind: z.string() }));

export interface RelayMoods {
  /** @param kinds - Of calls; none named: all. */
  set(name: string, mood: Mood, ...kinds: string[]): Promise<void>;
  /** The clock of Worker and relays runs ahead of ours by this much. */
  setClock(aheadMs: number): Promise<void>;
  /** Calls that relays got since they were last asked for, as `<name> <kind>`. */
  calls(): Promise<string[]>;
}

export function moodsOf({ url }: RunningEdge): RelayMoods {
  const tell = async (order: object): Promise<z.output<typeof Calls>> => {
    const response = await fetch(url, { headers: { [CONTROL]: JSON.stringify(order) } });
    return Calls.parse(await response.json());
  };
  return {
    set: async (name, mood, ...kinds) => void (await tell({ name, mood, kinds })),
    setClock: async (aheadMs) => void (await tell({ aheadMs })),
    calls: async () => (await tell({})).map(({ name, kind }) => `${name} ${kind}`),
  };
}
