-- migrate:up

-- Every command that was decided, by the whole of its key: nothing that a caller chooses can meet an id of the
-- service's own, or another caller's. `events` of them end at `last_position`, without a gap.
-- The table `commands` has those of before, which processes of the release before still write: they stay under their
-- ids, and are found by who gave them. A digest came with every call and with nothing that a service did by itself.
create table decided_commands (
    request_id text not null,
    stream_id uuid not null,
    caller text not null,
    kind text not null check (kind in ('caller', 'note', 'due', 'operator')),
    digest bytea not null,
    last_position bigint not null,
    events integer not null check (events >= 0),
    recorded_at timestamptz not null,
    primary key (request_id, stream_id, caller, kind)
);

-- store_unit, append_one_by_one, append_batch and append_one by the whole key. Those stay for the release before.
create function commit_unit(
    c_ids text[], c_kinds text[], c_callers text[], c_digests bytea[], c_streams uuid[], c_expected bigint[],
    c_correlations uuid[], c_causations uuid[],
    e_commands integer[], e_ids uuid[], e_topics text[], e_states bytea[], e_occurred timestamptz[], e_keys text[],
    d_commands integer[], d_ids uuid[], d_kinds text[], d_streams uuid[], d_at timestamptz[], d_details bytea[],
    f_commands integer[], f_ids uuid[],
    g_consumer text, g_source text, g_partition integer, g_last bigint, g_position bigint
) returns table (last_position bigint, recorded_at timestamptz, events integer, repeated boolean)
    language plpgsql
    set search_path from current
    -- A plan made while the tables were small must not scan them when they have grown.
    set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    head bigint;
    head_at timestamptz;
    first_at timestamptz;
    fresh boolean[];    -- per command: not stored before
    added boolean[];    -- per event: to be inserted
    counts bigint[];    -- per command: how many events are inserted
    tick constant interval := interval '1 microsecond';
begin
    if g_consumer is not null then
        perform pass_gate(g_consumer, g_source, g_partition, g_last, g_position);
    end if;
    if cardinality(c_ids) = 0 then
        return;
    end if;
    -- The lock must stay outside any block with an exception handler, which would release it.
    perform pg_advisory_xact_lock(log_key());

    select e.notification_id, e.recorded_at into head, head_at
    from events e order by e.notification_id desc limit 1;
    head := coalesce(head, 0);
    first_at := greatest(head_at + tick, clock_timestamp());

    select array_agg(c.nth = 1 and k.request_id is null and b.command_id is null order by c.n) into fresh
    from (select u.*, row_number() over (partition by u.id, u.stream, u.caller, u.kind order by u.n) as nth
          from unnest(c_ids, c_streams, c_callers, c_kinds) with ordinality u (id, stream, caller, kind, n)) c
    left join decided_commands k
        on k.request_id = c.id and k.stream_id = c.stream and k.caller = c.caller and k.kind = c.kind
    left join commands b on b.command_id = c.id and b.stream_id = c.stream and b.caller = c.caller
        and (b.digest = '') = (c.kind in ('note', 'due'));

    select coalesce(array_agg(
        fresh[e.command] and (c_expected[e.command] is not null or (e.nth = 1 and k.event_id is null)) order by e.n
    ), '{}') into added
    from (select u.command, u.id, u.n, row_number() over (partition by u.id order by u.n) as nth
          from unnest(e_commands, e_ids) with ordinality u (command, id, n)) e
    left join events k on k.event_id = e.id;

    select array_agg(coalesce(a.events, 0) order by c.n) into counts
    from generate_series(1, cardinality(c_ids)) c (n)
    left join (select e.command, count(*) as events from unnest(e_commands, added) e (command, is_added)
               where e.is_added group by e.command) a on a.command = c.n;

    if exists (
        select from (
            select u.stream, u.expected, u.is_fresh,
                coalesce(sum(u.events) over (
                    partition by u.stream order by u.n rows between unbounded preceding and 1 preceding), 0) as before
            from unnest(c_streams, c_expected, fresh, counts) with ordinality u (stream, expected, is_fresh, events, n)
        ) c
        where c.is_fresh and c.expected is not null and c.expected <> c.before + coalesce((
            select max(k.originator_version) from events k where k.originator_id = c.stream), 0)
    ) then
        raise exception 'expected version is not the stream''s' using errcode = 'CLC01';
    end if;

    insert into events (originator_id, originator_version, topic, state, notification_id, event_id, occurred_at,
        recorded_at, correlation_id, causation_id, actor, command_id, key_id)
    select c_streams[e.command],
        v.version + row_number() over (partition by c_streams[e.command] order by e.n),
        e.topic, e.state, head + row_number() over (order by e.n), e.id, e.occurred_at,
        first_at + (row_number() over (order by e.n) - 1) * tick,
        c_correlations[e.command], c_causations[e.command], c_callers[e.command], c_ids[e.command], e.key_id
    from unnest(e_commands, e_ids, e_topics, e_states, e_occurred, e_keys, added)
        with ordinality e (command, id, topic, state, occurred_at, key_id, is_added, n)
    cross join lateral (
        select coalesce(max(k.originator_version), 0) as version
        from events k where k.originator_id = c_streams[e.command]) v
    where e.is_added;

    -- A command whose every event was known answers with where they stand.
    insert into decided_commands (request_id, stream_id, caller, kind, digest, last_position, events, recorded_at)
    select c.id, c.stream, c.caller, c.kind, c.digest,
        coalesce(
            case when c.events = 0 then (
                select max(k.notification_id) from unnest(e_commands, e_ids) e (command, id)
                join events k on k.event_id = e.id where e.command = c.n) end,
            head + c.through),
        c.events, first_at + greatest(c.through - 1, 0) * tick
    from (select u.*, (sum(u.events) over (order by u.n))::bigint as through
          from unnest(c_ids, c_streams, c_callers, c_kinds, c_digests, fresh, counts)
              with ordinality u (id, stream, caller, kind, digest, is_fresh, events, n)) c
    where c.is_fresh;

    insert into due (due_id, kind, stream_id, due_at, detail)
    select d.id, d.kind, d.stream, d.due_at, d.detail
    from unnest(d_commands, d_ids, d_kinds, d_streams, d_at, d_details) d (command, id, kind, stream, due_at, detail)
    where fresh[d.command]
    on conflict do nothing;

    update due set done_at = first_at
    where done_at is null
        and due_id in (select f.id from unnest(f_commands, f_ids) f (command, id) where fresh[f.command]);

    -- Also finds two commands of this unit that share a key.
    if exists (
        select from unnest(c_ids, c_streams, c_callers, c_kinds, c_digests) c (id, stream, caller, kind, digest)
        left join decided_commands k
            on k.request_id = c.id and k.stream_id = c.stream and k.caller = c.caller and k.kind = c.kind
        left join commands b on k.request_id is null and b.command_id = c.id and b.stream_id = c.stream
            and b.caller = c.caller and (b.digest = '') = (c.kind in ('note', 'due'))
        where coalesce(k.digest, b.digest) <> c.digest
    ) then
        raise exception 'request id reused' using errcode = 'CLR01';
    end if;

    if true = any(added) then
        perform pg_notify(current_schema() || '_events', (select max(k.notification_id)::text from events k));
    end if;

    return query
    select coalesce(k.last_position, b.last_position), coalesce(k.recorded_at, b.recorded_at), k.events,
        not c.is_fresh or (c.events = 0 and c.n = any(e_commands))
    from unnest(c_ids, c_streams, c_callers, c_kinds, fresh, counts)
        with ordinality c (id, stream, caller, kind, is_fresh, events, n)
    left join decided_commands k
        on k.request_id = c.id and k.stream_id = c.stream and k.caller = c.caller and k.kind = c.kind
    left join commands b on k.request_id is null and b.command_id = c.id and b.stream_id = c.stream
        and b.caller = c.caller and (b.digest = '') = (c.kind in ('note', 'due'))
    order by c.n;
end $$;

-- The slow path of append_commands, under its lock: every command is a unit of its own.
create function append_each(
    c_ids text[], c_kinds text[], c_callers text[], c_digests bytea[], c_streams uuid[], c_expected bigint[],
    c_correlations uuid[], c_causations uuid[], c_through integer[],
    e_ids uuid[], e_topics text[], e_states bytea[], e_occurred timestamptz[], e_keys text[],
    d_commands integer[], d_ids uuid[], d_kinds text[], d_streams uuid[], d_at timestamptz[], d_details bytea[],
    f_commands integer[], f_ids uuid[],
    out statuses text[], out last_positions bigint[], out recorded_ats timestamptz[], out event_counts integer[]
) language plpgsql set search_path from current as $$
#variable_conflict use_variable
declare
    a integer;
    b integer := 0;
    answer record;
    status text;
begin
    for i in 1..cardinality(c_ids) loop
        a := b + 1;
        b := c_through[i];
        begin
            select s.last_position, s.recorded_at, s.events, s.repeated into answer from commit_unit(
                c_ids[i:i], c_kinds[i:i], c_callers[i:i], c_digests[i:i], c_streams[i:i], c_expected[i:i],
                c_correlations[i:i], c_causations[i:i],
                array_fill(1, array[b - a + 1]), e_ids[a:b], e_topics[a:b], e_states[a:b], e_occurred[a:b], e_keys[a:b],
                array(select 1 from unnest(d_commands) d (command) where d.command = i),
                array(select d.id from unnest(d_commands, d_ids) d (command, id) where d.command = i),
                array(select d.kind from unnest(d_commands, d_kinds) d (command, kind) where d.command = i),
                array(select d.stream from unnest(d_commands, d_streams) d (command, stream) where d.command = i),
                array(select d.at from unnest(d_commands, d_at) d (command, at) where d.command = i),
                array(select d.detail from unnest(d_commands, d_details) d (command, detail) where d.command = i),
                array(select 1 from unnest(f_commands) f (command) where f.command = i),
                array(select f.id from unnest(f_commands, f_ids) f (command, id) where f.command = i),
                null, null, null, null, null) s;
            status := case when answer.repeated then 'repeated' else 'stored' end;
        exception
            when sqlstate 'CLR01' then
                status := 'reused';
            when sqlstate 'CLC01' or unique_violation then
                status := 'conflict';
        end;
        statuses[i] := status;
        if status in ('stored', 'repeated') then
            last_positions[i] := answer.last_position;
            recorded_ats[i] := answer.recorded_at;
            event_counts[i] := answer.events;
        else
            last_positions[i] := null;
            recorded_ats[i] := null;
            event_counts[i] := null;
        end if;
    end loop;
end $$;

-- Stores many commands in one transaction: each of them or, alone, not. Commands and events come in the same order, and
-- commands on one stream in the order in which they follow each other. c_through counts the events up to the end of
-- each command. c_checks is the version that its stream must have: null at any version, and for a command that follows
-- another of this batch.
-- When nothing stands in the way `statuses` is null and every command is stored; else it says of each 'stored',
-- 'repeated', 'conflict' or 'reused', with where and when it stands and of how many events.
create function append_commands(
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
    first_at := greatest(head_at + tick, clock_timestamp());

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
        -- Most logs have none of before.
        if (select true from commands limit 1) and exists (
            select from unnest(c_ids, c_streams, c_callers, c_kinds) c (id, stream, caller, kind)
            where (
                select 1 from commands b where b.command_id = c.id and b.stream_id = c.stream and b.caller = c.caller
                    and (b.digest = '') = (c.kind in ('note', 'due'))
            ) is not null
        ) then
            raise unique_violation;
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
    from append_each(c_ids, c_kinds, c_callers, c_digests, c_streams, c_expected, c_correlations, c_causations,
        c_through, e_ids, e_topics, e_states, e_occurred, e_keys,
        d_commands, d_ids, d_kinds, d_streams, d_at, d_details, f_commands, f_ids) b;
    return next;
end $$;

-- What append_commands does for one command of one event, with nothing that is or becomes due: what an idle service
-- does at every call. Known keys and another version are looked for instead of met, which spares a subtransaction;
-- under the log's lock nobody can come between. `statuses` is null when the command is stored.
create function append_command(
    c_id text, c_kind text, c_caller text, c_digest bytea, c_stream uuid, c_expected bigint, c_correlation uuid,
    c_causation uuid, e_id uuid, e_topic text, e_state bytea, e_occurred timestamptz, e_key text
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
        (select true from decided_commands k where k.request_id = c_id and k.stream_id = c_stream
            and k.caller = c_caller and k.kind = c_kind)
        or (select true from commands b where b.command_id = c_id and b.stream_id = c_stream and b.caller = c_caller
            and (b.digest = '') = (c_kind in ('note', 'due')))
        or (select true from events k where k.event_id = e_id)
    into version, known;

    if known or version <> c_expected then
        select b.statuses, b.last_positions, b.recorded_ats, b.event_counts
        into statuses, last_positions, recorded_ats, event_counts
        from append_each(array[c_id], array[c_kind], array[c_caller], array[c_digest], array[c_stream],
            array[c_expected], array[c_correlation], array[c_causation], array[1],
            array[e_id], array[e_topic], array[e_state], array[e_occurred], array[e_key],
            '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}') b;
        return next;
        return;
    end if;

    insert into decided_commands (request_id, stream_id, caller, kind, digest, last_position, events, recorded_at)
    values (c_id, c_stream, c_caller, c_kind, c_digest, head + 1, 1, first_at);
    insert into events (originator_id, originator_version, topic, state, notification_id, event_id, occurred_at,
        recorded_at, correlation_id, causation_id, actor, command_id, key_id)
    values (c_stream, version + 1, e_topic, e_state, head + 1, e_id, e_occurred,
        first_at, c_correlation, c_causation, c_caller, c_id, e_key);
    perform pg_notify(current_schema() || '_events', (head + 1)::text);
    return next;
end $$;

-- Who gave up what waited is found again by the operator who asked, not by the request's id alone.
alter table parked_drops drop constraint parked_drops_pkey;
alter table parked_drops add primary key (request_id, patient_id, dropped_by);

create or replace function drop_parked(
    p_request_id text, p_consumer text, p_source text, p_patient uuid, p_reason text, p_by text
) returns integer language plpgsql set search_path from current as $$
declare
    before integer;
    is_same boolean;
    taken bigint[];
    events uuid[];
begin
    select cardinality(d.positions), (d.consumer, d.source, d.reason) = (p_consumer, p_source, p_reason)
    into before, is_same
    from parked_drops d where d.request_id = p_request_id and d.patient_id = p_patient and d.dropped_by = p_by;
    if found then
        if not is_same then
            raise exception 'request id reused' using errcode = 'CLR01';
        end if;
        return before;
    end if;
    with gone as (
        delete from parked k
        where k.consumer = p_consumer and k.source = p_source and k.patient_id = p_patient
        returning k.position, k.event_id)
    select array_agg(g.position order by g.position), array_agg(g.event_id order by g.position)
    into taken, events from gone g;
    if taken is null then
        return 0;
    end if;
    insert into parked_drops (request_id, consumer, source, patient_id, positions, event_ids, reason, dropped_by)
    values (p_request_id, p_consumer, p_source, p_patient, taken, events, p_reason, p_by);
    return cardinality(taken);
end $$;

do $$
begin
    execute format('grant select, insert on decided_commands to %I', current_schema());
    execute format('grant execute on function commit_unit, append_each, append_commands, append_command to %I',
        current_schema());
end $$;

-- migrate:down

do $$ begin raise exception 'a log is not rolled back'; end $$;
