-- migrate:up

-- Compressing a section took longer than folding what came onto it. Up to half a page it lies in its row, as it is.
alter table sections alter column state set storage external;
alter table sections_0 alter column state set storage external;
alter table sections_1 alter column state set storage external;
alter table sections_0 set (toast_tuple_target = 4080);
alter table sections_1 set (toast_tuple_target = 4080);

-- migrate:down

do $$ begin raise exception 'a journal is not rolled back'; end $$;
