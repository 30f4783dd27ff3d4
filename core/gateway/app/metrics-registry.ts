/** Metrics made of numbers that were counted elsewhere, anew for every scrape. */
import { Counter, Gauge, type Registry } from "prom-client";

type Labels = Readonly<Record<string, string>>;
/** One line of a metric. */
export type Sample = readonly [value: number, labels?: Labels];

/** Adds counters to `registry`, each with all its samples at once. */
export function counterIn(registry: Registry) {
  return (name: string, help: string, samples: readonly Sample[]): void => {
    const metric = new Counter({
      name,
      help,
      labelNames: labelsOf(samples),
      registers: [registry],
    });
    for (const [value, labels = {}] of samples) metric.inc({ ...labels }, value);
  };
}

/** The same for gauges. */
export function gaugeIn(registry: Registry) {
  return (name: string, help: string, samples: readonly Sample[]): void => {
    const metric = new Gauge({ name, help, labelNames: labelsOf(samples), registers: [registry] });
    for (const [value, labels = {}] of samples) metric.set({ ...labels }, value);
  };
}

function labelsOf(samples: readonly Sample[]): string[] {
  return [...new Set(samples.flatMap(([, labels = {}]) => Object.keys(labels)))];
}
