import type { Logger } from "pino";
import { GatewayError } from "../../../shared/errors.ts";
import type { Channel, ChannelContext } from "../../channels/channel.ts";
import type { Clock } from "../../channels/clock.ts";
import type { ChannelState } from "../../channels/state.ts";
import { supervise } from "./supervise.ts";

export interface RunnerParts {
  /** Those there are by the settings of now. */
  readonly channels: () => readonly Channel[];
  /** What a channel needs to know of the world around it. */
  readonly contextFor: (channel: Channel) => ChannelContext;
  /** Ends all of them. */
  readonly stop: AbortSignal;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

interface Run {
  readonly channel: Channel;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

const NEVER: ChannelState = {
  running: false,
  startedAt: undefined,
  stoppedAt: undefined,
  receivedAt: undefined,
  error: undefined,
  falls: 0,
};

/** Keeps channels receiving, each by itself: one can be stopped and started while others go on. */
export class ChannelRunner {
  readonly #parts: RunnerParts;
  readonly #runs = new Map<string, Run>();
  readonly #states = new Map<string, ChannelState>();
  /** Stopped by somebody, and not because of the settings. */
  readonly #held = new Set<string>();
  /** One change after another. */
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** What is known of a channel, running or not. */
  stateOf(id: string): ChannelState {
    return this.#states.get(id) ?? NEVER;
  }

  /** Starts what is new in the settings, stops what is gone, changes over what is another. */
  sync(): Promise<void> {
    return this.#inTurn(async () => {
      const wanted = this.#parts.channels();
      for (const { channel } of this.#runs.values()) {
        if (!wanted.includes(channel)) await this.#end(channel.id);
      }
      for (const channel of wanted) {
        if (!this.#held.has(channel.id)) this.#begin(channel);
      }
    });
  }

  /** @throws GatewayError `not_found` when no such channel is configured. */
  start(id: string): Promise<void> {
    return this.#inTurn(async () => {
      const channel = this.#channel(id);
      this.#held.delete(id);
      this.#begin(channel);
    });
  }

  /** Settles when it has handed over what it had received. @throws GatewayError `not_found` */
  stop(id: string): Promise<void> {
    return this.#inTurn(async () => {
      this.#channel(id);
      this.#held.add(id);
      await this.#end(id);
    });
  }

  /** @throws GatewayError `not_found` */
  async restart(id: string): Promise<void> {
    await this.stop(id);
    await this.start(id);
  }

  /** Settles when all have ended, which `stop` of the parts makes them do. */
  async settled(): Promise<void> {
    await this.#turn;
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    // Whoever asked is told; the next one goes on.
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #channel(id: string): Channel {
    const channel = this.#parts.channels().find((one) => one.id === id);
    if (channel !== undefined) return channel;
    throw new GatewayError("not_found", `No channel named ${id.slice(0, 64)} is configured`);
  }

  #begin(channel: Channel): void {
    const { clock, random, log, stop: all } = this.#parts;
    if (this.#runs.has(channel.id) || all.aborted) return;
    const stop = new AbortController();
    const signal = AbortSignal.any([all, stop.signal]);
    this.#note(channel.id, { running: true, startedAt: clock.now(), error: undefined });
    const receive = (until: AbortSignal): Promise<void> => this.#receive(channel, until);
    const ended = supervise(channel.id, receive, signal, { clock, random, log }).then(() =>
      this.#note(channel.id, { running: false, stoppedAt: clock.now() }),
    );
    this.#runs.set(channel.id, { channel, stop, ended });
  }

  async #receive(channel: Channel, signal: AbortSignal): Promise<void> {
    const { contextFor, clock } = this.#parts;
    const context = contextFor(channel);
    try {
      await channel.run(
        {
          ...context,
          keep: (event) => {
            this.#note(channel.id, { receivedAt: clock.now() });
            return context.keep(event);
          },
        },
        signal,
      );
    } catch (error) {
      const { falls } = this.stateOf(channel.id);
      this.#note(channel.id, { error: faultOf(error), falls: falls + 1 });
      throw error;
    }
  }

  async #end(id: string): Promise<void> {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    run.stop.abort();
    await run.ended;
    this.#runs.delete(id);
  }

  #note(id: string, news: Partial<ChannelState>): void {
    this.#states.set(id, { ...this.stateOf(id), ...news });
  }
}

/** Never the text of an unknown error: it may hold more than people should read. */
function faultOf(error: unknown): string {
  return error instanceof GatewayError ? error.message : "it failed; the log has the details";
}
