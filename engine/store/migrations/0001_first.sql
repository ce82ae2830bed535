-- The first shape. Every table has its realm; times are milliseconds since 1970 UTC; ids are UUIDv7 as text, so that
-- their order is the order of time.
create table binding (
  realm text not null,
  connection text not null,
  contact text not null,
  transport text not null,
  source text not null,
  local text not null,
  path text not null,
  call_id text not null,
  cseq integer not null,
  user_agent text,
  instance text,
  q_thousandths integer not null,
  registered_at integer not null,
  expires_at integer not null,
  primary key (realm, connection, contact)
) strict, without rowid;

create table message (
  id text primary key not null,
  realm text not null,
  mailbox text not null,
  call text not null,
  caller_number text not null,
  caller_name text not null,
  dialled text not null,
  began integer not null,
  duration_ms integer not null,
  speech_ms integer,
  ended_by text not null,
  partial integer not null,
  heard integer not null default 0,
  keep_until integer not null,
  notify text not null,
  language text,
  transcription text not null,
  transcript_text text,
  transcript_language text,
  transcript_model text,
  transcript_took_ms integer,
  deleted_at integer,
  files_removed integer not null default 0
) strict, without rowid;
create index message_by_box on message (realm, mailbox, id) where deleted_at is null;
create index message_by_age on message (keep_until) where deleted_at is null;
create index message_to_clear on message (deleted_at) where deleted_at is not null;

create table recording (
  id text primary key not null,
  realm text not null,
  call text not null,
  began integer not null,
  duration_ms integer not null,
  keep_until integer not null
) strict, without rowid;
create index recording_by_age on recording (keep_until);

create table job (
  id integer primary key autoincrement,
  realm text not null,
  message text not null unique,
  state text not null check (state in ('waiting', 'running')),
  attempts integer not null default 0,
  run_at integer not null,
  fault text
) strict;
create index job_by_time on job (state, run_at);

create table delivery (
  seq integer primary key autoincrement,
  id text not null unique,
  realm text not null,
  url text not null,
  lane text not null,
  event text not null,
  body text not null,
  state text not null check (state in ('waiting', 'done', 'gone', 'given_up')),
  attempts integer not null default 0,
  first_at integer not null,
  next_at integer not null,
  settled_at integer,
  fault text
) strict;
create index delivery_waiting on delivery (seq) where state = 'waiting';
create index delivery_settled on delivery (settled_at) where state <> 'waiting';
