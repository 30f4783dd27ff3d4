/** Every part dies between any two messages, by seed; what the client sees is compared with what it may. */
import { expect, test } from "vitest";
import { ResumingWebSocket } from "../../shared/resume/client.ts";
import { hear } from "../../test/support/hear.ts";
import { mixSeed, Random } from "../../test/support/random.ts";
import { ResumeWorld } from "../../test/support/resume-world.ts";
import type { Receipt, Upgrade } from "../tunnel/handlers.ts";

type Fault = "core" | "relay" | "blip";

/** Counts what it is told, over all cores; some messages it answers, some not, some later. */
class CountingApp {
  readonly #late: (() => void)[] = [];

  readonly upgrade = (): Promise<Upgrade> => Promise.resolve(this.#accept(""));
  readonly reattach = (_request: Request, _caller: unknown, kept: string): Promise<Upgrade> =>
    Promise.resolve(this.#accept(kept));

  /** Answers one that waits. */
  answerLate(random: Random): void {
    const [answer] = this.#late.splice(random.below(this.#late.length + 1), 1);
    answer?.();
  }

  #accept(kept: string): Upgrade {
    let count = Number(kept);
    const onMessage = (message: string | Uint8Array, receipt: Receipt): void => {
      const text = String(message);
      if (text.startsWith("late")) {
        this.#late.push(() => receipt.answer(`done ${text}`));
        return;
      }
      count += 1;
      socket?.keep(String(count));
      if (text.startsWith("quiet")) receipt.done();
      else receipt.answer(`${count} ${text}`);
    };
    let socket: Parameters<Extract<Upgrade, { accepted: true }>["take"]>[0] | undefined;
    return {
      accepted: true,
      protocol: "count.v1",
      survives: true,
      take(given) {
        socket = given;
        given.listen({ onMessage, onClose: () => undefined });
      },
    };
  }
}

/** What a client says and hears; begins anew with each `fresh`. */
class Talk {
  readonly socket: ResumingWebSocket;
  readonly got: string[] = [];
  readonly gotLate: string[] = [];
  readonly expected: string[] = [];
  readonly expectedLate: string[] = [];
  readonly ends: number[] = [];
  fresh = 0;
  resumed = 0;
  #said = 0;
  #count = 0;

  constructor(world: ResumeWorld) {
    this.socket = new ResumingWebSocket("ws://edge.test/socket", {
      webSocket: world.webSocket,
      protocols: ["count.v1"],
      now: () => world.now,
      random: () => world.random.below(1_000) / 1_000,
      delay: world.delay,
      giveUpAfterMs: 1e9,
    });
    hear(this.socket, {
      message: (data) => {
        const list = String(data).startsWith("done") ? this.gotLate : this.got;
        list.push(String(data));
      },
      fresh: () => {
        this.fresh += 1;
        this.#count = 0;
        const { got, gotLate, expected, expectedLate } = this;
        for (const list of [got, gotLate, expected, expectedLate]) list.length = 0;
      },
      resumed: () => {
        this.resumed += 1;
      },
      close: ({ code }) => this.ends.push(code),
    });
  }

  say(random: Random): void {
    if (this.socket.readyState !== 1) return;
    this.#said += 1;
    const kind = random.pick(["loud", "loud", "quiet", "late"]);
    const text = `${kind} ${this.#said}`;
    if (kind === "late") this.expectedLate.push(`done ${text}`);
    else this.#count += 1;
    if (kind === "loud") this.expected.push(`${this.#count} ${text}`);
    this.socket.send(text);
  }

  get isComplete(): boolean {
    return (
      this.got.length >= this.expected.length && this.gotLate.length >= this.expectedLate.length
    );
  }
}

async function run(seed: number, faults: readonly Fault[]): Promise<Talk> {
  const random = new Random(seed);
  const app = new CountingApp();
  const world = new ResumeWorld(random, app);
  world.startCore();
  const talk = new Talk(world);
  const happens: Record<Fault, () => void> = {
    core: () => {
      world.killCore();
      world.startCore();
    },
    relay: () => world.loseRelay(),
    blip: () => world.blip(),
  };
  for (let step = 0; step < 400; step += 1) {
    if (random.once(3)) talk.say(random);
    if (random.once(8)) app.answerLate(random);
    if (random.once(40)) happens[random.pick(faults)]();
    await world.step();
  }
  for (let step = 0; step < 20_000 && !talk.isComplete; step += 1) {
    app.answerLate(random);
    await world.step();
  }
  return talk;
}

test.each<{ faults: readonly Fault[]; mayForget: boolean }>([
  { faults: ["core"], mayForget: false },
  { faults: ["relay"], mayForget: false },
  { faults: ["blip"], mayForget: false },
  { faults: ["relay", "blip"], mayForget: false },
  { faults: ["core", "blip"], mayForget: false },
  { faults: ["core", "relay", "blip"], mayForget: true },
])("a client loses and doubles nothing while $faults fail", async ({ faults, mayForget }) => {
  let resumed = 0;
  for (let number = 0; number < 40; number += 1) {
    const seed = mixSeed(1, number);
    const talk = await run(seed, faults);
    const { got, expected, ends, socket } = talk;
    const late = { got: talk.gotLate.toSorted(), expected: talk.expectedLate.toSorted() };
    expect({ seed, got, late: late.got, ends, state: socket.readyState }).toEqual({
      seed,
      got: expected,
      late: late.expected,
      ends: [],
      state: 1,
    });
    if (!mayForget) expect({ seed, fresh: talk.fresh }).toEqual({ seed, fresh: 0 });
    resumed += talk.resumed;
  }
  expect(resumed > 0).toBe(faults.includes("relay"));
});
