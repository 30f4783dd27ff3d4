import { type Db, textOf } from "./db.ts";

const GET = "select value from fact where key = :key";

export function getFact(db: Db, key: string): string | undefined {
  const row = db.first(GET, { key });
  return row && textOf(row, "value");
}

const SET = `
  insert into fact (key, value) values (:key, :value)
  on conflict (key) do update set value = excluded.value`;

export function setFact(db: Db, key: string, value: string): void {
  db.run(SET, { key, value });
}
