-- Stores several inserts, each wholly or not at all. i_ and t_ arrays hold one element per insert (t_: what it tracks,
-- or null); e_ arrays hold the events, which name their insert by its place. No event and no tracked name may be in
-- two inserts of one call. `known` has the first position of what an insert with the same id stored before.
-- It must be plpgsql in a READ COMMITTED transaction: each statement below then sees what was committed before
-- the lock was granted. The lock must stay outside any block with an exception handler, which would release it.
create or replace function {append}(
    i_ids uuid[], t_names text[], t_positions bigint[],
    e_inserts integer[], e_streams uuid[], e_versions bigint[], e_topics text[], e_states bytea[], e_ids uuid[]
) returns table (head bigint, stored boolean[], known bigint[])
    language plpgsql
    set search_path = pg_catalog, pg_temp
    -- A plan made while the table was small must not scan it when it has grown.
    set enable_seqscan = off
as $function$
#variable_conflict use_column
declare
    head_at timestamptz;
    first_at timestamptz;
    fresh boolean[];
    added bigint;
    tick constant interval := interval '1 microsecond';
begin
    perform pg_advisory_xact_lock(hashtextextended({lock_name}, 0));

    select k.notification_id, k.recorded_at into head, head_at
    from {table} k order by k.notification_id desc limit 1;
    head := coalesce(head, 0);
    first_at := greatest(head_at + tick, clock_timestamp());

    select array_agg(f.i is null order by i.n), array_agg(f.first_position order by i.n)
    into fresh, known
    from generate_series(1, cardinality(i_ids)) i (n)
    left join (
        select e.i, case when bool_and(k.correlation_id = i_ids[e.i]) then min(k.notification_id) end as first_position
        from unnest(e_inserts, e_streams, e_versions) e (i, stream, version)
        cross join lateral (
            select k.correlation_id, k.notification_id from {table} k
            where k.originator_id = e.stream and k.originator_version = e.version limit 1) k
        group by e.i) f on f.i = i.n;
{track}
    insert into {table} (originator_id, originator_version, topic, state, notification_id, event_id, occurred_at,
        recorded_at, correlation_id, actor, command_id)
    select f.stream, f.version, f.topic, f.state, head + f.nth, f.id, first_at + (f.nth - 1) * tick,
        first_at + (f.nth - 1) * tick, i_ids[f.i], 'eventsourcing', i_ids[f.i]::text
    from (
        select e.*, row_number() over (order by e.n) as nth
        from unnest(e_inserts, e_streams, e_versions, e_topics, e_states, e_ids)
            with ordinality e (i, stream, version, topic, state, id, n)
        where fresh[e.i]) f;
    get diagnostics added = row_count;

    if added > 0 then
        perform pg_notify({channel}, (head + added)::text);
    end if;
    stored := fresh;
    return next;
end $function$;
