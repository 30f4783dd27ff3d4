/** Responses of the HTTP API, and how many there are: counting them for each new one would be slow. */
export const RESPONSES = `
  create table response (
    seq integer primary key autoincrement,
    id text not null unique,
    owner text not null,
    agent text not null,
    session_key text not null,
    previous text,
    created_at integer not null,
    continues integer not null,
    messages text not null,
    body text not null,
    bytes integer not null
  ) strict;
  create index response_created on response (created_at);

  create table response_total (
    id integer primary key check (id = 1),
    count integer not null,
    bytes integer not null
  ) strict;
  insert into response_total (id, count, bytes) values (1, 0, 0);
  `;
