-- migrate:up

-- A section is a head in `sections`, written with every unit, and a state, written when enough came since: its facts up
-- to `journal_position`. What came since then up to the head's position is read from the journal. A head's state is
-- empty; one that is not was written by the release before, and so was a state of another fold than its head's.
create table section_states (
    slot smallint not null,
    patient_id uuid not null,
    source text not null,
    state bytea not null,
    source_position bigint not null,
    journal_position bigint not null,
    fold_version integer not null,
    answered uuid[] not null,
    primary key (slot, patient_id, source)
) partition by list (slot);
create table section_states_0 partition of section_states for values in (0);
create table section_states_1 partition of section_states for values in (1);
alter table section_states alter column state set storage external;
alter table section_states_0 alter column state set storage external;
alter table section_states_1 alter column state set storage external;
alter table section_states_0 set (toast_tuple_target = 4080);
alter table section_states_1 set (toast_tuple_target = 4080);
-- Heads are written again and again: room beside each spares them their indexes.
alter table sections_0 set (fillfactor = 80);
alter table sections_1 set (fillfactor = 80);

-- The projector waits while it is built; reads go on. Not "concurrently", which would wait for other migrations, and they
-- for this one.
create index journal_source_idx on journal (patient_id, source, position);
drop index journal_patient_idx;

-- As before, and what a section answered may stand with its state.
create or replace function rank_caseload(p_slot smallint, p_patients uuid[], p_calm smallint) returns void
    language sql set search_path from current as $$
    insert into caseload (slot, patient_id, rank, due_at, reason, fact_id)
    select p_slot, p.patient, coalesce(c.rank, p_calm), coalesce(c.due_at, '9999-12-31T00:00:00Z'),
        coalesce(c.reason, ''), c.fact_id
    from unnest(p_patients) p (patient)
    left join lateral (
        select r.rank, coalesce(r.due_at, '9999-12-31T00:00:00Z') as due_at, r.reason, r.fact_id
        from sections s
        cross join lateral jsonb_to_recordset(s.concerns)
            as r (fact_id uuid, rank smallint, reason text, due_at timestamptz, until_answered boolean)
        where s.slot = p_slot and s.patient_id = p.patient and not (r.until_answered and exists (
            select from sections o
            where o.slot = p_slot and o.patient_id = p.patient and (r.fact_id = any(o.answered) or r.fact_id = any((
                select t.answered from section_states t
                where t.slot = p_slot and t.patient_id = o.patient_id and t.source = o.source
                    and t.fold_version = o.fold_version and o.state = '')::uuid[]))))
        order by 1, 2, 4
        limit 1) c on true
    order by p.patient
    on conflict (slot, patient_id) do update
    set rank = excluded.rank, due_at = excluded.due_at, reason = excluded.reason, fact_id = excluded.fact_id
$$;

-- What `project` does, for heads and for those states that are written now: f_ arrays hold one element for each of
-- them, f_sections its place in the s_ arrays. `project` stays for the release before.
create function project_heads(
    p_source text, p_partition integer, p_fold_version integer, p_calm smallint, p_turns bigint,
    j_positions bigint[], j_patients integer[], j_types text[], j_ids uuid[], j_occurred timestamptz[],
    j_recorded timestamptz[], j_actors text[], j_correlations uuid[], j_causations uuid[], j_keys text[],
    j_values bytea[],
    s_patients uuid[], s_from bigint[], s_last integer[], s_concerns text[], s_answered text[], s_headlines text[],
    s_ranked boolean[],
    f_sections integer[], f_states bytea[], f_answered text[]
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
    first_at := greatest(head_at + tick, present_moment());
    insert into journal (position, journal_time, patient_id, source, source_position, partition, type, event_id,
        occurred_at, recorded_at, actor, correlation_id, causation_id, key_id, value)
    select head + u.n, first_at + (u.n - 1) * tick, s_patients[u.patient], p_source, u.position, p_partition, u.type,
        u.id, u.occurred, u.recorded, u.actor, u.correlation, u.causation, u.key, u.value
    from unnest(j_positions, j_patients, j_types, j_ids, j_occurred, j_recorded, j_actors, j_correlations,
        j_causations, j_keys, j_values) with ordinality
        u (position, patient, type, id, occurred, recorded, actor, correlation, causation, key, value, n);

    insert into sections (slot, patient_id, source, state, source_position, journal_position, journal_time,
        fold_version, concerns, answered, headline)
    select slot_now, u.patient, p_source, '', j_positions[u.last], head + u.last,
        first_at + (u.last - 1) * tick, p_fold_version, u.concerns::jsonb, u.answered::uuid[], u.headline::jsonb
    from unnest(s_patients, s_last, s_concerns, s_answered, s_headlines) u (patient, last, concerns, answered, headline)
    on conflict (slot, patient_id, source) do update
    set state = excluded.state, source_position = excluded.source_position,
        journal_position = excluded.journal_position, journal_time = excluded.journal_time,
        fold_version = excluded.fold_version, concerns = excluded.concerns, answered = excluded.answered,
        headline = excluded.headline;

    if cardinality(f_sections) > 0 then
        insert into section_states (slot, patient_id, source, state, source_position, journal_position, fold_version,
            answered)
        select slot_now, s_patients[u.section], p_source, u.state, j_positions[s_last[u.section]],
            head + s_last[u.section], p_fold_version, u.answered::uuid[]
        from unnest(f_sections, f_states, f_answered) u (section, state, answered)
        on conflict (slot, patient_id, source) do update
        set state = excluded.state, source_position = excluded.source_position,
            journal_position = excluded.journal_position, fold_version = excluded.fold_version,
            answered = excluded.answered;
    end if;

    perform rank_caseload(slot_now, (select array_agg(u.patient) from unnest(s_patients, s_ranked) u (patient, ranked)
        where u.ranked), p_calm) where true = any(s_ranked);
    -- A payload has at most 8000 bytes; without names, everyone who waits looks for themselves.
    perform pg_notify('coordination_view',
        case when cardinality(s_patients) <= 200 then array_to_string(s_patients, ',') else '' end);
end $$;

create or replace function begin_rebuild(out rebuild bigint, out slot smallint)
    language plpgsql security definer set search_path from current as $$
begin
    perform only_rebuild();
    update idle_slot i set rebuild = i.rebuild + 1, through = null returning i.rebuild into strict rebuild;
    select 1 - v.active into strict slot from view_slots v;
    execute format('truncate sections_%s, section_states_%s, caseload_%s', slot, slot, slot);
end $$;

create or replace function count_idle_slot() returns void
    language plpgsql security definer set search_path from current as $$
declare
    idle smallint;
begin
    select 1 - v.active into strict idle from view_slots v;
    execute format('analyze sections_%s, section_states_%s, caseload_%s', idle, idle, idle);
end $$;

do $$
begin
    execute format('grant select, insert, update on section_states to %I', current_schema());
    execute format('grant execute on function project_heads to %I', current_schema());
end $$;

-- migrate:down

do $$ begin raise exception 'a journal is not rolled back'; end $$;
