-- Recordings of whole calls may be stereo, and may end in a crash; wrong PINs of a mailbox count over all calls.
alter table recording add column rate_hz integer not null default 8000;
alter table recording add column channels integer not null default 1;
alter table recording add column partial integer not null default 0;

create table pin_guard (
  realm text not null,
  mailbox text not null,
  wrong integer not null,
  since integer not null,
  locked_until integer not null,
  locks integer not null,
  primary key (realm, mailbox)
) strict, without rowid;
