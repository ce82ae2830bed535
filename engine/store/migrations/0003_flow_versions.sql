-- Versions of the flow set, and when each was taken into use.
create table flow_version (
  hash text primary key,
  first_loaded integer not null,
  texts text not null
) strict, without rowid;

create table flow_load (
  seq integer primary key autoincrement,
  at integer not null,
  hash text not null,
  who text not null,
  -- A roll-back: the version of the files, which stays unused as long as they are so.
  instead_of text
) strict;

create index flow_load_hash on flow_load (hash, seq);
