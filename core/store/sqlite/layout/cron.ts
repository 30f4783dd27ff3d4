/** Jobs of the scheduler and the log of their runs: see cron.ts. Times are Unix milliseconds. */
export const CRON = `
  create table cron_job (
    seq integer primary key autoincrement,
    id text not null unique,
    job text not null
  ) strict;

  -- One row for every due time that was taken up; its record comes when the run has ended.
  create table cron_run (
    seq integer primary key autoincrement,
    id text not null unique,
    job_id text not null,
    due_at integer not null,
    attempt integer not null,
    origin text not null,
    claimed_at integer not null,
    ended_at integer,
    status text,
    delivery text,
    record text
  ) strict;
  create index cron_run_open on cron_run (seq) where ended_at is null;
  create index cron_run_job on cron_run (job_id, ended_at) where ended_at is not null;
  create index cron_run_ended on cron_run (ended_at) where ended_at is not null;

  create table cron_scratch (
    job_id text primary key,
    content text,
    revision integer not null,
    updated_at integer not null
  ) strict, without rowid;
`;
