-- migrate:up

-- What append_batch does for one command of one event, with nothing that is or becomes due: what an idle service does at
-- every call. Known ids and another version are looked for instead of met, which spares a subtransaction; under the
-- log's lock nobody can come between. `statuses` is null when the command is stored.
create function append_one(
    c_id text, c_caller text, c_digest bytea, c_stream uuid, c_expected bigint, c_correlation uuid, c_causation uuid,
    e_id uuid, e_topic text, e_state bytea, e_occurred timestamptz, e_key text
) returns table (
    head bigint, first_at timestamptz, statuses text[], last_positions bigint[], recorded_ats timestamptz[]
)
    language plpgsql
    set search_path from current
    set enable_seqscan = off
as $$
#variable_conflict use_variable
declare
    head_at timestamptz;
    version bigint;
    known boolean;
begin
    perform pg_advisory_xact_lock(log_key());
    select h.notification_id, h.recorded_at into head, head_at
    from events h order by h.notification_id desc limit 1;
    head := coalesce(head, 0);
    first_at := greatest(head_at + interval '1 microsecond', clock_timestamp());
    -- Scalar subqueries are probes; EXISTS may become a scan of the table.
    select coalesce((select max(k.originator_version) from events k where k.originator_id = c_stream), 0),
        (select true from commands k where k.command_id = c_id) or (select true from events k where k.event_id = e_id)
    into version, known;

    if known or version <> c_expected then
        select b.statuses, b.last_positions, b.recorded_ats into statuses, last_positions, recorded_ats
        from append_one_by_one(array[c_id], array[c_caller], array[c_digest], array[c_stream], array[c_expected],
            array[c_correlation], array[c_causation], array[1],
            array[e_id], array[e_topic], array[e_state], array[e_occurred], array[e_key],
            '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}') b;
        return next;
        return;
    end if;

    insert into commands (command_id, caller, digest, stream_id, last_position, recorded_at)
    values (c_id, c_caller, c_digest, c_stream, head + 1, first_at);
    insert into events (originator_id, originator_version, topic, state, notification_id, event_id, occurred_at,
        recorded_at, correlation_id, causation_id, actor, command_id, key_id)
    values (c_stream, version + 1, e_topic, e_state, head + 1, e_id, e_occurred,
        first_at, c_correlation, c_causation, c_caller, c_id, e_key);
    perform pg_notify(current_schema() || '_events', (head + 1)::text);
    return next;
end $$;

do $$
begin
    execute format('grant execute on function append_one to %I', current_schema());
end $$;

-- migrate:down

do $$ begin raise exception 'a log is not rolled back'; end $$;
