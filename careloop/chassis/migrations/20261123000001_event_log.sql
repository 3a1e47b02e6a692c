-- migrate:up

-- Run once in the schema of each service, which bears the name of that service's runtime role.
-- The first columns are those of the eventsourcing library, so that its recorders can read the log. Positions
-- (notification_id) have no sequence: only store_unit assigns them, and nothing else can insert.
create table events (
    originator_id uuid not null,
    originator_version bigint not null check (originator_version > 0),
    topic text not null,
    state bytea not null,
    notification_id bigint not null check (notification_id > 0),
    event_id uuid not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    correlation_id uuid not null,
    causation_id uuid,
    actor text not null,
    command_id text not null,
    key_id text,
    primary key (originator_id, originator_version),
    constraint events_notification_id_key unique (notification_id),
    constraint events_event_id_key unique (event_id)
);
create index events_command_id_idx on events (command_id);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'stored events are never changed' using errcode = 'insufficient_privilege';
end $$;

create trigger events_are_never_changed before update or delete or truncate on events
    for each statement execute function refuse_change();
-- "always": also where session_replication_role would silence ordinary triggers.
alter table events enable always trigger events_are_never_changed;

create table commands (
    command_id text primary key,
    caller text not null,
    digest bytea not null,
    stream_id uuid not null,
    last_position bigint not null,
    recorded_at timestamptz not null
);

create table due (
    due_id uuid primary key,
    kind text not null,
    stream_id uuid not null,
    due_at timestamptz not null,
    detail bytea not null,
    claims integer not null default 0,
    lease_until timestamptz,
    done_at timestamptz
);
create index due_open_idx on due (due_at) where done_at is null;

create table consumed_positions (
    consumer text not null,
    source text not null,
    partition integer not null,
    position bigint not null,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (consumer, source, partition)
);

create table parked (
    consumer text not null,
    source text not null,
    patient_id uuid not null,
    position bigint not null,
    event_id uuid not null,
    type text not null,
    headers jsonb not null,
    value bytea not null,
    reason text not null,
    parked_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    primary key (consumer, source, patient_id, position)
);

create table relay_checkpoint (
    single boolean primary key default true check (single),
    epoch bigint not null,
    position bigint not null,
    partitions integer not null check (partitions > 0),
    last_published bigint[] not null,
    updated_at timestamptz not null default clock_timestamp(),
    check (cardinality(last_published) = partitions)
);

-- The key of this log's one lock. "From current" binds each function to the schema it is made in.
create function log_key() returns bigint language sql stable set search_path from current as $$
    select hashtextextended('careloop log ' || current_schema(), 0)
$$;

create function gate_key(p_consumer text, p_source text, p_partition integer) returns bigint
    language sql stable set search_path from current as $$
    select hashtextextended(concat_ws(chr(31), 'careloop gate', current_schema(), p_consumer, p_source, p_partition), 0)
$$;

-- SQLSTATEs that the store maps: CLG01 gate closed, CLC01 conflict, CLR01 request id reused.
create function pass_gate(p_consumer text, p_source text, p_partition integer, p_last bigint, p_position bigint)
    returns void language plpgsql set search_path from current as $$
begin
    -- Whoever asks how a lost commit ended waits for this lock first; a row not yet visible could not be waited for.
    perform pg_advisory_xact_lock(gate_key(p_consumer, p_source, p_partition));
    update consumed_positions set position = p_position, updated_at = clock_timestamp()
    where consumer = p_consumer and source = p_source and partition = p_partition and position = p_last;
    if not found and p_last = 0 then
        insert into consumed_positions (consumer, source, partition, position)
        values (p_consumer, p_source, p_partition, p_position)
        on conflict do nothing;
    end if;
    if not found then
        raise exception 'gate closed' using errcode = 'CLG01';
    end if;
end $$;

-- Deletes these parked records of one patient, which the caller has applied in the same transaction. If another
-- retry or drop took any of them first, nothing of the unit may happen.
create function take_parked(p_consumer text, p_source text, p_patient uuid, p_positions bigint[])
    returns void language plpgsql set search_path from current as $$
declare
    taken integer;
begin
    delete from parked
    where consumer = p_consumer and source = p_source and patient_id = p_patient and position = any(p_positions);
    get diagnostics taken = row_count;
    if taken <> cardinality(p_positions) then
        raise exception 'parked records were taken by another' using errcode = 'CLG01';
    end if;
end $$;

-- Stores one unit: all of it or, by raising, nothing. c_ arrays hold one element per command; e_, d_ and f_ arrays
-- (events, what becomes due, what is finished) name their command by its place. c_expected null: at any version.
-- It must be plpgsql in a READ COMMITTED transaction: each statement below then sees what was committed before
-- the lock was granted. The lock must stay outside any block with an exception handler, which would release it.
create function store_unit(
    c_ids text[], c_callers text[], c_digests bytea[], c_streams uuid[], c_expected bigint[],
    c_correlations uuid[], c_causations uuid[],
    e_commands integer[], e_ids uuid[], e_topics text[], e_states bytea[], e_occurred timestamptz[], e_keys text[],
    d_commands integer[], d_ids uuid[], d_kinds text[], d_streams uuid[], d_at timestamptz[], d_details bytea[],
    f_commands integer[], f_ids uuid[],
    g_consumer text, g_source text, g_partition integer, g_last bigint, g_position bigint
) returns table (stream_id uuid, last_position bigint, recorded_at timestamptz, repeated boolean)
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
    perform pg_advisory_xact_lock(log_key());

    select e.notification_id, e.recorded_at into head, head_at
    from events e order by e.notification_id desc limit 1;
    head := coalesce(head, 0);
    first_at := greatest(head_at + tick, clock_timestamp());

    select array_agg(c.nth = 1 and k.command_id is null order by c.n) into fresh
    from (select u.id, u.n, row_number() over (partition by u.id order by u.n) as nth
          from unnest(c_ids) with ordinality u (id, n)) c
    left join commands k on k.command_id = c.id;

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
    insert into commands (command_id, caller, digest, stream_id, last_position, recorded_at)
    select c.id, c.caller, c.digest, c.stream,
        coalesce(
            case when c.events = 0 then (
                select max(k.notification_id) from unnest(e_commands, e_ids) e (command, id)
                join events k on k.event_id = e.id where e.command = c.n) end,
            head + c.through),
        first_at + greatest(c.through - 1, 0) * tick
    from (select u.*, (sum(u.events) over (order by u.n))::bigint as through
          from unnest(c_ids, c_callers, c_digests, c_streams, fresh, counts)
              with ordinality u (id, caller, digest, stream, is_fresh, events, n)) c
    where c.is_fresh;

    insert into due (due_id, kind, stream_id, due_at, detail)
    select d.id, d.kind, d.stream, d.due_at, d.detail
    from unnest(d_commands, d_ids, d_kinds, d_streams, d_at, d_details) d (command, id, kind, stream, due_at, detail)
    where fresh[d.command]
    on conflict do nothing;

    update due set done_at = first_at
    where done_at is null
        and due_id in (select f.id from unnest(f_commands, f_ids) f (command, id) where fresh[f.command]);

    -- Also finds two commands of this unit that share an id.
    if exists (
        select from unnest(c_ids, c_callers, c_digests) c (id, caller, digest)
        join commands k on k.command_id = c.id
        where (k.caller, k.digest) is distinct from (c.caller, c.digest)
    ) then
        raise exception 'request id reused' using errcode = 'CLR01';
    end if;

    if true = any(added) then
        perform pg_notify(current_schema() || '_events', (select max(k.notification_id)::text from events k));
    end if;

    return query
    select k.stream_id, k.last_position, k.recorded_at,
        not c.is_fresh or (c.events = 0 and c.n = any(e_commands))
    from unnest(c_ids, fresh, counts) with ordinality c (id, is_fresh, events, n)
    join commands k on k.command_id = c.id
    order by c.n;
end $$;

do $$
declare
    service constant text := current_schema();
begin
    execute format('grant select, insert on events, commands to %I', service);
    execute format('grant select, insert, update on due, consumed_positions, relay_checkpoint to %I', service);
    execute format('grant select, insert, update, delete on parked to %I', service);
    execute format('grant select on schema_migrations to %I', service);
    execute format('grant execute on all functions in schema %I to %I', service, service);
end $$;

-- migrate:down

do $$ begin raise exception 'a log is not rolled back'; end $$;
