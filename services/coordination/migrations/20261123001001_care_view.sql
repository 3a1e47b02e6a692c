-- migrate:up

-- Everything that was consumed, in the order in which the care team could see it.
create table journal (
    position bigint primary key check (position > 0),
    journal_time timestamptz not null,
    patient_id uuid not null,
    source text not null,
    source_position bigint not null,
    partition integer not null,
    type text not null,
    event_id uuid not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    actor text not null,
    correlation_id uuid not null,
    causation_id uuid,
    key_id text,
    value bytea not null,
    constraint journal_time_key unique (journal_time),
    constraint journal_event_id_key unique (event_id)
);
create index journal_patient_idx on journal (patient_id, position);

create trigger journal_is_never_changed before update or delete or truncate on journal
    for each statement execute function refuse_change();
alter table journal enable always trigger journal_is_never_changed;

-- A rebuild fills the slot that is not active, then turns this pointer.
create table view_slots (
    single boolean primary key default true check (single),
    active smallint not null check (active in (0, 1))
);
insert into view_slots (active) values (0);

-- `concerns` is what asks for attention by this source alone; `answered` the facts, of any source, that were taken on.
create table sections (
    slot smallint not null check (slot in (0, 1)),
    patient_id uuid not null,
    source text not null,
    state bytea not null,
    source_position bigint not null,
    journal_position bigint not null,
    journal_time timestamptz not null,
    fold_version integer not null,
    concerns jsonb not null,
    answered uuid[] not null,
    headline jsonb not null,
    primary key (slot, patient_id, source)
);

-- What is most urgent about each patient, over all sections. A concern without a clock is due at the end of time.
create table caseload (
    slot smallint not null check (slot in (0, 1)),
    patient_id uuid not null,
    rank smallint not null,
    due_at timestamptz not null,
    reason text not null,
    fact_id uuid,
    primary key (slot, patient_id)
);
create index caseload_order_idx on caseload (slot, rank, due_at, patient_id);

create function journal_key() returns bigint language sql stable set search_path from current as $$
    select hashtextextended('careloop journal ' || current_schema(), 0)
$$;

-- Recomputes the caseload of these patients. Under the journal's lock it sees every section that counts.
create function rank_caseload(p_slot smallint, p_patients uuid[], p_calm smallint) returns void
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
            where o.slot = p_slot and o.patient_id = p.patient and r.fact_id = any(o.answered)))
        order by 1, 2, 4
        limit 1) c on true
    order by p.patient
    on conflict (slot, patient_id) do update
    set rank = excluded.rank, due_at = excluded.due_at, reason = excluded.reason, fact_id = excluded.fact_id
$$;

-- Journals one unit of one source and stores the sections folded from it. j_ arrays hold one element per event, in
-- order; s_ arrays one per patient: s_from is the source position that the fold started from, s_last the place of the
-- patient's last event in the j_ arrays. SQLSTATE CLC01: a section has moved on since it was read.
-- It must be plpgsql in a READ COMMITTED transaction: what follows the lock sees all that was committed before it.
create function apply_to_view(
    p_source text, p_partition integer, p_fold_version integer, p_calm smallint,
    j_positions bigint[], j_patients uuid[], j_types text[], j_ids uuid[], j_occurred timestamptz[],
    j_recorded timestamptz[], j_actors text[], j_correlations uuid[], j_causations uuid[], j_keys text[],
    j_values bytea[],
    s_patients uuid[], s_states bytea[], s_from bigint[], s_last integer[], s_concerns text[], s_answered text[],
    s_headlines text[]
) returns void language plpgsql set search_path from current as $$
declare
    slot_now smallint;
    head bigint;
    head_at timestamptz;
    first_at timestamptz;
    tick constant interval := interval '1 microsecond';
begin
    perform pg_advisory_xact_lock(journal_key());
    select v.active into strict slot_now from view_slots v;
    if exists (
        select from unnest(s_patients, s_from) u (patient, folded_from)
        left join sections s on s.slot = slot_now and s.patient_id = u.patient and s.source = p_source
        where coalesce(s.source_position, 0) <> u.folded_from
    ) then
        raise exception 'a section has moved on' using errcode = 'CLC01';
    end if;

    select j.position, j.journal_time into head, head_at from journal j order by j.position desc limit 1;
    head := coalesce(head, 0);
    first_at := greatest(head_at + tick, clock_timestamp());
    insert into journal (position, journal_time, patient_id, source, source_position, partition, type, event_id,
        occurred_at, recorded_at, actor, correlation_id, causation_id, key_id, value)
    select head + u.n, first_at + (u.n - 1) * tick, u.patient, p_source, u.position, p_partition, u.type, u.id,
        u.occurred, u.recorded, u.actor, u.correlation, u.causation, u.key, u.value
    from unnest(j_positions, j_patients, j_types, j_ids, j_occurred, j_recorded, j_actors, j_correlations,
        j_causations, j_keys, j_values) with ordinality
        u (position, patient, type, id, occurred, recorded, actor, correlation, causation, key, value, n);

    insert into sections (slot, patient_id, source, state, source_position, journal_position, journal_time,
        fold_version, concerns, answered, headline)
    select slot_now, u.patient, p_source, u.state, j_positions[u.last], head + u.last,
        first_at + (u.last - 1) * tick, p_fold_version, u.concerns::jsonb, u.answered::uuid[], u.headline::jsonb
    from unnest(s_patients, s_states, s_last, s_concerns, s_answered, s_headlines)
        u (patient, state, last, concerns, answered, headline)
    order by u.patient
    on conflict (slot, patient_id, source) do update
    set state = excluded.state, source_position = excluded.source_position,
        journal_position = excluded.journal_position, journal_time = excluded.journal_time,
        fold_version = excluded.fold_version, concerns = excluded.concerns, answered = excluded.answered,
        headline = excluded.headline;

    perform rank_caseload(slot_now, s_patients, p_calm);
    -- A payload has at most 8000 bytes; without names, everyone who waits looks for themselves.
    perform pg_notify('coordination_view',
        case when cardinality(s_patients) <= 200 then array_to_string(s_patients, ',') else '' end);
end $$;

do $$
begin
    execute format('grant select, insert on journal to %I', current_schema());
    execute format('grant select, insert, update on sections, caseload to %I', current_schema());
    execute format('grant select on view_slots to %I', current_schema());
    execute format('grant execute on function journal_key, rank_caseload, apply_to_view to %I', current_schema());
end $$;

-- migrate:down

do $$ begin raise exception 'a journal is not rolled back'; end $$;
