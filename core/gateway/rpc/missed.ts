import type { Audience, GatewayEvent } from "../../methods/events.ts";
import type { Emission } from "./connection.ts";

/** Longest from the beginning of a core until its edge has handed it the clients of the one before. */
const WINDOW_MS = 60_000;
/** A core begins with what the one before it has left: a handful of runs, each with one end. */
const MAX_EVENTS = 256;

/** Something that was told, and to whom. */
export interface Told {
  readonly event: GatewayEvent;
  readonly payload: unknown;
  readonly to: Audience & Pick<Emission, "stateVersion">;
}

/**
 * What a core has told since it began. It works before its edge has handed it the clients of a core
 * that has died: they are told then what they have missed, above all how their runs have ended.
 */
export class Missed {
  readonly #events: Told[] = [];
  /** Clients of this core: whoever is handed over a second time has heard it. */
  readonly #met = new Set<string>();
  #until: number | undefined;

  /** @param now - Unix ms; that of the first call of all is when the core has begun. */
  note(told: Told, now: number): void {
    if (!this.#isOpen(now) || told.to.droppable === true || told.to.localOnly === true) return;
    this.#events.push(told);
    if (this.#events.length > MAX_EVENTS) this.#events.shift();
  }

  /** A client that is new is told everything from now on. */
  meet(connection: string, now: number): void {
    if (this.#isOpen(now)) this.#met.add(connection);
  }

  /** For a client of an earlier core, in order; nothing for one that was here before. */
  of(connection: string, now: number): readonly Told[] {
    if (!this.#isOpen(now) || this.#met.has(connection)) return [];
    this.#met.add(connection);
    return [...this.#events];
  }

  #isOpen(now: number): boolean {
    this.#until ??= now + WINDOW_MS;
    if (now < this.#until) return true;
    this.#events.length = 0;
    this.#met.clear();
    return false;
  }
}
