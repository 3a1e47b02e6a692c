-- migrate:up

-- An entry of the journal stands in two indexes instead of four. Its time rises with its position, so a moment is found
-- by halving. That an event comes once is what `project` makes sure of, under the journal's lock.
alter table journal drop constraint journal_time_key;
alter table journal drop constraint journal_source_position_key;

-- The last position whose time is before this moment; 0 when there is none. Positions have no gaps.
create function journal_before(p_moment timestamptz) returns bigint
    language plpgsql stable set search_path from current as $$
declare
    low bigint := 0;
    high bigint;
    middle bigint;
begin
    select coalesce(max(j.position), 0) into high from journal j;
    while low < high loop
        middle := (low + high + 1) / 2;
        if (select j.journal_time < p_moment from journal j where j.position = middle) then
            low := middle;
        else
            high := middle - 1;
        end if;
    end loop;
    return low;
end $$;

-- As before, and refuses events that do not rise in their source's order, or that a section includes already: by this a
-- source's event stands in the journal once, and in its patient's order.
create or replace function project(
    p_source text, p_partition integer, p_fold_version integer, p_calm smallint, p_turns bigint,
    j_positions bigint[], j_patients integer[], j_types text[], j_ids uuid[], j_occurred timestamptz[],
    j_recorded timestamptz[], j_actors text[], j_correlations uuid[], j_causations uuid[], j_keys text[],
    j_values bytea[],
    s_patients uuid[], s_states bytea[], s_from bigint[], s_last integer[], s_concerns text[], s_answered text[],
    s_headlines text[], s_ranked boolean[]
) returns void language plpgsql set search_path from current as $$
declare
    slot_now smallint;
    turns_now bigint;
    head bigint;
    head_at timestamptz;
    first_at timestamptz;
    tick constant interval := interval '1 microsecond';
begin
    perform pg_advisory_xact_lock(journal_key());
    select v.active, v.turns into strict slot_now, turns_now from view_slots v;
    -- A scalar subquery: a join would be planned for a table as small as it once was, and walk all of it.
    if turns_now <> p_turns or exists (
        select from unnest(s_patients, s_from) u (patient, folded_from)
        where u.folded_from <> coalesce((
            select s.source_position from sections s
            where s.slot = slot_now and s.patient_id = u.patient and s.source = p_source), 0)
    ) or exists (
        select from unnest(j_positions, 0 || j_positions, j_patients) u (position, before, patient)
        where u.position <= greatest(u.before, s_from[u.patient])
    ) then
        raise exception 'a section has moved on' using errcode = 'CLC01';
    end if;

    select j.position, j.journal_time into head, head_at from journal j order by j.position desc limit 1;
    head := coalesce(head, 0);
    first_at := greatest(head_at + tick, clock_timestamp());
    insert into journal (position, journal_time, patient_id, source, source_position, partition, type, event_id,
        occurred_at, recorded_at, actor, correlation_id, causation_id, key_id, value)
    select head + u.n, first_at + (u.n - 1) * tick, s_patients[u.patient], p_source, u.position, p_partition, u.type,
        u.id, u.occurred, u.recorded, u.actor, u.correlation, u.causation, u.key, u.value
    from unnest(j_positions, j_patients, j_types, j_ids, j_occurred, j_recorded, j_actors, j_correlations,
        j_causations, j_keys, j_values) with ordinality
        u (position, patient, type, id, occurred, recorded, actor, correlation, causation, key, value, n);

    insert into sections (slot, patient_id, source, state, source_position, journal_position, journal_time,
        fold_version, concerns, answered, headline)
    select slot_now, u.patient, p_source, u.state, j_positions[u.last], head + u.last,
        first_at + (u.last - 1) * tick, p_fold_version, u.concerns::jsonb, u.answered::uuid[], u.headline::jsonb
    from unnest(s_patients, s_states, s_last, s_concerns, s_answered, s_headlines)
        u (patient, state, last, concerns, answered, headline)
    on conflict (slot, patient_id, source) do update
    set state = excluded.state, source_position = excluded.source_position,
        journal_position = excluded.journal_position, journal_time = excluded.journal_time,
        fold_version = excluded.fold_version, concerns = excluded.concerns, answered = excluded.answered,
        headline = excluded.headline;

    perform rank_caseload(slot_now, (select array_agg(u.patient) from unnest(s_patients, s_ranked) u (patient, ranked)
        where u.ranked), p_calm) where true = any(s_ranked);
    -- A payload has at most 8000 bytes; without names, everyone who waits looks for themselves.
    perform pg_notify('coordination_view',
        case when cardinality(s_patients) <= 200 then array_to_string(s_patients, ',') else '' end);
end $$;

do $$
begin
    execute format('grant execute on function journal_before to %I', current_schema());
end $$;

-- migrate:down

do $$ begin raise exception 'a journal is not rolled back'; end $$;
