/** Wall clocks of time zones. Pure. */

const DAY_MS = 86_400_000;

interface Wall {
  readonly hour: number;
  readonly minute: number;
}

/**
 * The moment at which clocks in `zone` show `wall`, which is written as if the zone were UTC. A
 * time that a change of clocks leaves out counts as if clocks had not changed; of one that comes
 * twice it is the first.
 */
export function zonedMs(wall: number, zone: string): number {
  const before = offsetMs(wall - DAY_MS, zone);
  const after = offsetMs(wall + DAY_MS, zone);
  const early = wall - Math.max(before, after);
  const late = wall - Math.min(before, after);
  if (early + offsetMs(early, zone) === wall) return early;
  return late + offsetMs(late, zone) === wall ? late : wall - before;
}

/** Hour and minute that clocks in `zone` show at `at`. */
export function wallOf(at: number, zone: string): Wall {
  const shown = new Date(at + offsetMs(at, zone));
  return { hour: shown.getUTCHours(), minute: shown.getUTCMinutes() };
}

/** How far clocks in `zone` are ahead of UTC at `at`. */
function offsetMs(at: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(at);
  const of = (type: string): number =>
    Number(parts.find((part) => part.type === type)?.value ?? Number.NaN);
  const shown = Date.UTC(
    of("year"),
    of("month") - 1,
    of("day"),
    of("hour"),
    of("minute"),
    of("second"),
  );
  return shown - Math.floor(at / 1_000) * 1_000;
}
