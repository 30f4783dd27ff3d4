/** Sessions that people name, change and begin anew; runs that must not be lost, nor run twice. */
export const SESSIONS = `
  alter table session add column session_id text not null default '';
  update session set session_id =
    lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
      || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)));
  alter table session add column revision integer not null default 0;
  alter table session add column label text;
  -- JSON object of what was chosen for it.
  alter table session add column settings text not null default '{}';
  alter table session add column created_by text not null default '';
  alter table session add column channel text;
  alter table session add column conversation text;
  alter table session add column parent text;
  alter table session add column previous text;
  alter table session add column archived_at integer;
  -- Reset or deleted: its key is its session_id then.
  alter table session add column retired_at integer;
  alter table session add column interaction_at integer;
  alter table session add column context_tokens integer not null default 0;
  -- JSON of the last run.
  alter table session add column last_run text;
  alter table session add column compactions integer not null default 0;
  -- Stands for the messages up to summary_seq when a model is asked.
  alter table session add column summary text;
  alter table session add column summary_seq integer not null default 0;
  create unique index session_session_id on session (session_id);
  create unique index session_label on session (label) where label is not null;
  create index session_shown on session (updated_at) where retired_at is null;
  create index session_retired on session (retired_at) where retired_at is not null;

  -- JSON of what is known of its making: run, model, stop, usage.
  alter table message add column made text;

  create table run (
    id text primary key,
    seq integer not null,
    kind text not null,
    session_key text not null,
    -- Id of its row in the inbox.
    item text not null,
    accepted_at integer not null,
    ended_at integer,
    -- JSON of how it ended.
    ending text
  ) strict, without rowid;
  create index run_open on run (seq) where ended_at is null;
  create index run_open_session on run (session_key, seq) where ended_at is null;
  create index run_ended on run (ended_at) where ended_at is not null;
`;
