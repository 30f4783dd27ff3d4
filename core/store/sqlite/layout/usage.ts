/**
 * What models were asked: see usage.ts. `input` is what came from no cache and went to none. A cost
 * is null when the model had no price. What sessions have used so far is taken over by the turn.
 */
export const USAGE = `
  create table usage (
    seq integer primary key autoincrement,
    at integer not null,
    -- Empty: it belongs to none.
    session_id text not null,
    session_key text not null,
    agent text not null,
    channel text not null,
    run text not null,
    kind text not null,
    provider text not null,
    model text not null,
    ok integer not null,
    input integer not null,
    output integer not null,
    cache_read integer not null,
    cache_write integer not null,
    reasoning integer not null,
    input_cost real,
    output_cost real,
    cache_read_cost real,
    cache_write_cost real,
    duration_ms integer not null,
    questions integer not null,
    tool_calls integer not null,
    -- JSON list of names; empty: none.
    tools text not null
  ) strict;
  create index usage_at on usage (at);
  create index usage_session on usage (session_id, at) where session_id <> '';
  create index usage_early on usage (session_key) where session_id = '' and session_key <> '';

  -- Messages there were when the context was measured.
  alter table session add column context_seq integer not null default 0;
  alter table session add column cost_usd real;

  insert into usage
    (at, session_id, session_key, agent, channel, run, kind, provider, model, ok, input, output,
      cache_read, cache_write, reasoning, duration_ms, questions, tool_calls, tools)
  select * from (
  select message.at, session.session_id, session.key,
    case when session.key like 'agent:_%:%'
      then substr(session.key, 7, instr(substr(session.key, 7), ':') - 1) else 'main' end,
    coalesce(session.channel, ''), coalesce(json_extract(made, '$.run'), ''), session.created_by,
    substr(json_extract(made, '$.model'), 1, instr(json_extract(made, '$.model'), '/') - 1),
    substr(json_extract(made, '$.model'), instr(json_extract(made, '$.model'), '/') + 1),
    1, json_extract(made, '$.usage.inputTokens'), json_extract(made, '$.usage.outputTokens'),
    0, 0, 0, 0, 1, 0, ''
  from message join session on session.id = message.session_id
  where json_extract(made, '$.usage.inputTokens') + json_extract(made, '$.usage.outputTokens') > 0
    and json_extract(made, '$.model') is not null
  order by message.at desc limit 250000
  ) as newest order by 1;
`;
