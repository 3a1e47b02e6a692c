-- migrate:up

-- The events of a command are found in its stream, which the table of commands names.
drop index events_command_id_idx;

-- migrate:down

do $$ begin raise exception 'a log is not rolled back'; end $$;
