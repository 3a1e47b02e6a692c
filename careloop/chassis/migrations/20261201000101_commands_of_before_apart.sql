-- migrate:up

-- As before, but what is asked of commands of earlier builds is a step of its own, which most logs never come to.
create or replace function append_commands(
    c_ids text[], c_kinds text[], c_callers text[], c_digests bytea[], c_streams uuid[], c_expected bigint[],
    c_checks bigint[], c_correlations uuid[], c_causations uuid[], c_through integer[],
    e_streams uuid[], e_versions bigint[], e_nth integer[], e_ids uuid[], e_topics text[], e_states bytea[],
    e_occurred timestamptz[], e_correlations uuid[], e_causations uuid[], e_actors text[], e_commands text[],
    e_keys text[],
    d_commands integer[], d_ids uuid[], d_kinds text[], d_streams uuid[], d_at timestamptz[], d_details bytea[],
    f_commands integer[], f_ids uuid[]
) returns table (
    head bigint, first_at timestamptz, statuses text[], last_positions bigint[], recorded_ats timestamptz[],
    event_counts integer[]
)
    language plpgsql
    set search_path from current
    set enable_seqscan = off
as $$
#variable_conflict use_variable
declare
    head_at timestamptz;
    tick constant interval := interval '1 microsecond';
begin
    perform pg_advisory_xact_lock(log_key());
    select e.notification_id, e.recorded_at into head, head_at
    from events e order by e.notification_id desc limit 1;
    head := coalesce(head, 0);
    first_at := greatest(head_at + tick, present_moment());

    begin
        -- A version that is already followed shows in the primary key of events, but not a version that is not there,
        -- nor that of a command without events. Scalar subqueries are probes; EXISTS may become a scan of the table.
        if exists (
            select from unnest(c_streams, c_checks, c_through, 0 || c_through) c (stream, expected, through, before)
            where case when c.through = c.before
                then c.expected <> coalesce((
                    select max(k.originator_version) from events k where k.originator_id = c.stream), 0)
                else c.expected > 0 and (
                    select 1 from events k where k.originator_id = c.stream and k.originator_version = c.expected
                ) is null end
        ) then
            raise unique_violation;
        end if;
        -- Most logs have none of before, and then no more is asked than that.
        if (select true from commands limit 1) then
            if exists (
                select from unnest(c_ids, c_streams, c_callers, c_kinds) c (id, stream, caller, kind)
                where (
                    select 1 from commands b
                    where b.command_id = c.id and b.stream_id = c.stream and b.caller = c.caller
                        and (b.digest = '') = (c.kind in ('note', 'due'))
                ) is not null
            ) then
                raise unique_violation;
            end if;
        end if;

        insert into decided_commands (request_id, stream_id, caller, kind, digest, last_position, events, recorded_at)
        select c.id, c.stream, c.caller, c.kind, c.digest, head + c.through, c.through - c.before,
            first_at + greatest(c.through - 1, 0) * tick
        from unnest(c_ids, c_streams, c_callers, c_kinds, c_digests, c_through, trim_array(0 || c_through, 1))
            c (id, stream, caller, kind, digest, through, before);

        insert into events (originator_id, originator_version, topic, state, notification_id, event_id, occurred_at,
            recorded_at, correlation_id, causation_id, actor, command_id, key_id)
        select e.stream,
            coalesce(e.version, e.nth + (
                select coalesce(max(k.originator_version), 0) from events k where k.originator_id = e.stream)),
            e.topic, e.state, head + e.n, e.id, e.occurred_at, first_at + (e.n - 1) * tick,
            e.correlation_id, e.causation_id, e.actor, e.command_id, e.key_id
        from unnest(e_streams, e_versions, e_nth, e_ids, e_topics, e_states, e_occurred, e_correlations, e_causations,
            e_actors, e_commands, e_keys) with ordinality
            e (stream, version, nth, id, topic, state, occurred_at, correlation_id, causation_id,
                actor, command_id, key_id, n);

        if cardinality(d_ids) > 0 then
            insert into due (due_id, kind, stream_id, due_at, detail)
            select d.id, d.kind, d.stream, d.due_at, d.detail
            from unnest(d_ids, d_kinds, d_streams, d_at, d_details) d (id, kind, stream, due_at, detail)
            on conflict do nothing;
        end if;
        if cardinality(f_ids) > 0 then
            update due set done_at = first_at where done_at is null and due_id = any(f_ids);
        end if;
        if cardinality(e_ids) > 0 then
            perform pg_notify(current_schema() || '_events', (head + cardinality(e_ids))::text);
        end if;
        return next;
        return;
    exception when unique_violation then
        -- Something of this batch is known or contradicts; nothing of it is stored yet.
    end;

    select b.statuses, b.last_positions, b.recorded_ats, b.event_counts
    into statuses, last_positions, recorded_ats, event_counts
    from append_each(c_ids, c_kinds, c_callers, c_digests, c_streams, c_expected, c_checks, c_correlations,
        c_causations, c_through, e_ids, e_topics, e_states, e_occurred, e_keys,
        d_commands, d_ids, d_kinds, d_streams, d_at, d_details, f_commands, f_ids) b;
    return next;
end $$;

-- migrate:down

do $$ begin raise exception 'a log is not rolled back'; end $$;
