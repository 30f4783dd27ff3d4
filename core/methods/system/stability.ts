/** How this process is doing, sampled while it runs: what it tells holds no text of anybody. */
import { monitorEventLoopDelay, performance } from "node:perf_hooks";

/** So often a sample is taken: four hours of them fit. */
const SAMPLE_EVERY_MS = 60_000;
const CAPACITY = 240;
/** Of the measure of the event loop: fine enough for what people notice. */
const RESOLUTION_MS = 50;
const NS_PER_MS = 1e6;

export interface MemoryFacts {
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly externalBytes: number;
  readonly arrayBuffersBytes: number;
}

export interface StabilityEvent {
  readonly seq: number;
  /** Unix ms. */
  readonly ts: number;
  /** `gateway.started`, `gateway.crashed`, `gateway.restarted`, `gateway.event_loop.sample`. */
  readonly type: string;
  readonly memory?: MemoryFacts;
  readonly [fact: string]: unknown;
}

export interface StabilityQuery {
  readonly limit?: number | undefined;
  readonly type?: string | undefined;
  readonly sinceSeq?: number | undefined;
}

/** Disposing it ends the sampling. */
export class Stability implements Disposable {
  readonly #now: () => number;
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #utilization = performance.eventLoopUtilization();
  readonly #events: StabilityEvent[] = [];
  #seq = 0;
  readonly #timer: NodeJS.Timeout;

  /** @param now - Unix ms. */
  constructor(now: () => number) {
    this.#now = now;
    this.#delay.enable();
    this.#timer = setInterval(() => this.sample(), SAMPLE_EVERY_MS).unref();
  }

  /** Something happened that whoever looks for trouble should know. */
  note(type: string, facts: Readonly<Record<string, unknown>> = {}): void {
    this.#seq += 1;
    this.#events.push({ seq: this.#seq, ts: this.#now(), type, ...facts });
    if (this.#events.length > CAPACITY) this.#events.shift();
  }

  /** Of the time since the last one. */
  sample(): void {
    const facts = { ...this.#loop(), memory: memory() };
    this.#delay.reset();
    this.#utilization = performance.eventLoopUtilization();
    this.note("gateway.event_loop.sample", facts);
  }

  snapshot({ limit = CAPACITY, type, sinceSeq = 0 }: StabilityQuery): object {
    const wanted = this.#events.filter(
      (event) => event.seq > sinceSeq && (type === undefined || event.type === type),
    );
    const events = wanted.slice(-limit);
    return {
      generatedAt: new Date(this.#now()).toISOString(),
      capacity: CAPACITY,
      count: wanted.length,
      dropped: this.#seq - this.#events.length,
      firstSeq: wanted[0]?.seq,
      lastSeq: wanted.at(-1)?.seq,
      events,
      summary: { byType: countsOf(wanted), memory: memoryOf(wanted), eventLoop: this.#loop() },
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }

  #loop() {
    // Before its first measure it knows of no delay, and says so with numbers that are none.
    const ms = (ns: number): number => (Number.isFinite(ns) ? round(ns / NS_PER_MS) : 0);
    const at = (percentile: number): number =>
      Math.max(0, ms(this.#delay.percentile(percentile)) - RESOLUTION_MS);
    const { utilization } = performance.eventLoopUtilization(this.#utilization);
    return {
      eventLoopDelayP50Ms: at(50),
      eventLoopDelayP90Ms: at(90),
      eventLoopDelayP99Ms: at(99),
      eventLoopDelayMaxMs: Math.max(0, ms(this.#delay.max) - RESOLUTION_MS),
      eventLoopUtilization: round(utilization),
    };
  }
}

/** Of this process, now. */
export function memory(): MemoryFacts {
  const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
  return {
    rssBytes: rss,
    heapUsedBytes: heapUsed,
    heapTotalBytes: heapTotal,
    externalBytes: external,
    arrayBuffersBytes: arrayBuffers,
  };
}

function memoryOf(events: readonly StabilityEvent[]): object {
  const latest = memory();
  const all = [latest, ...events.flatMap((event) => event.memory ?? [])];
  return {
    latest,
    maxRssBytes: Math.max(...all.map(({ rssBytes }) => rssBytes)),
    maxHeapUsedBytes: Math.max(...all.map(({ heapUsedBytes }) => heapUsedBytes)),
    pressureCount: 0,
  };
}

function countsOf(events: readonly StabilityEvent[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
