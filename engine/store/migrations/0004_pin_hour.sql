-- The hour in which wrong PINs count goes back from each try: the times of them all, JSON, instead of their number since the first. What was
-- counted before counts as tried then.
alter table pin_guard add column tried text not null default '[]';
update pin_guard set tried = '[' || rtrim(replace(hex(zeroblob(min(wrong, 9))), '00', since || ','), ',') || ']';
alter table pin_guard drop column wrong;
alter table pin_guard drop column since;
