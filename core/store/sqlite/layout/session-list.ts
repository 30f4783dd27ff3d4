/**
 * What lists of sessions are answered from: an order for each kind of list, and counts kept along,
 * as counting would read every session each time a client asks how the gateway is.
 */
export const SESSION_LIST = `
  -- Empty for one that names no agent.
  alter table session add column agent text generated always as (
    case when substr(key, 1, 6) = 'agent:' and instr(substr(key, 7), ':') > 0
      then substr(key, 7, instr(substr(key, 7), ':') - 1) else '' end) virtual;
  alter table session add column archived integer
    generated always as (archived_at is not null) virtual;
  -- The label in lower case, of any alphabet: lower() knows ASCII alone.
  alter table session add column label_folded text;
  update session set label_folded = lower(label) where label is not null;

  drop index session_shown;
  -- With what is searched: a row of its own is read for none that has not what is looked for.
  create index session_shown on session (archived, updated_at, id, key, label_folded)
    where retired_at is null;
  create index session_agent on session (agent, archived, updated_at) where retired_at is null;
  create index session_parent on session (parent, archived, updated_at)
    where retired_at is null and parent is not null;

  create table session_count (
    agent text not null,
    archived integer not null,
    count integer not null,
    primary key (agent, archived)
  ) strict, without rowid;
  insert into session_count
    select agent, archived, count(*) from session where retired_at is null group by 1, 2;
  create trigger session_made after insert on session when new.retired_at is null begin
    insert into session_count values (new.agent, new.archived, 1)
      on conflict (agent, archived) do update set count = count + 1;
  end;
  create trigger session_gone after delete on session when old.retired_at is null begin
    update session_count set count = count - 1
      where agent = old.agent and archived = old.archived;
  end;
  create trigger session_moved after update of key, archived_at, retired_at on session begin
    update session_count set count = count - 1
      where old.retired_at is null and agent = old.agent and archived = old.archived;
    insert into session_count select new.agent, new.archived, 1 where new.retired_at is null
      on conflict (agent, archived) do update set count = count + 1;
  end;
`;
