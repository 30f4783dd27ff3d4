import { logLine } from "../log.ts";

/**
 * Since when there has been no core, and whether anybody was told. In storage, since nothing else
 * outlives a relay without a core: one row when the last one goes, one when somebody is told.
 */
export class Outage {
  readonly #sql: SqlStorage;
  #since: number | undefined;
  #told = false;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS outage (id INTEGER PRIMARY KEY, since INTEGER, told INTEGER)",
    );
    const [row] = sql
      .exec<{ since: number; told: number }>("SELECT since, told FROM outage WHERE id = 1")
      .toArray();
    this.#since = row?.since;
    this.#told = row?.told === 1;
  }

  /** The last core has gone. */
  began(now: number): void {
    this.#since = now;
    this.#told = false;
    this.#write();
  }

  /**
   * Asked when a webhook finds no core.
   *
   * @returns Ms since there was one, when that is too long and nobody was told: it is said once.
   */
  toTell(afterMs: number | undefined, now: number): number | undefined {
    if (afterMs === undefined || this.#told || this.#since === undefined) return undefined;
    const outageMs = now - this.#since;
    if (outageMs < afterMs) return undefined;
    this.#told = true;
    this.#write();
    return outageMs;
  }

  #write(): void {
    try {
      this.#sql.exec(
        `INSERT INTO outage (id, since, told) VALUES (1, ?, ?)
         ON CONFLICT (id) DO UPDATE SET since = excluded.since, told = excluded.told`,
        this.#since ?? 0,
        this.#told ? 1 : 0,
      );
    } catch (error) {
      // To be told twice does no harm.
      logLine("error", { event: "outage_not_written", err: String(error) });
    }
  }
}
