-- migrate:up

-- Each slot gets a partition of its own, so that the idle one can be emptied at once.
alter table sections rename to sections_0;
alter table sections_0 rename constraint sections_pkey to sections_0_pkey;
alter table caseload rename to caseload_0;
alter table caseload_0 rename constraint caseload_pkey to caseload_0_pkey;
alter index caseload_order_idx rename to caseload_0_order_idx;

create table sections (
    slot smallint not null,
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
) partition by list (slot);
create table caseload (
    slot smallint not null,
    patient_id uuid not null,
    rank smallint not null,
    due_at timestamptz not null,
    reason text not null,
    fact_id uuid,
    primary key (slot, patient_id)
) partition by list (slot);
create index caseload_order_idx on caseload (slot, rank, due_at, patient_id);
alter table sections attach partition sections_0 for values in (0);
alter table caseload attach partition caseload_0 for values in (0);
create table sections_1 partition of sections for values in (1);
create table caseload_1 partition of caseload for values in (1);

-- `rebuild` numbers the rebuilds: the one that may write into the idle slot. `through` is the journal position up to
-- which the idle slot is whole; null while it is not.
create table idle_slot (
    single boolean primary key default true check (single),
    rebuild bigint not null,
    through bigint
);
insert into idle_slot (rebuild) values (0);

create function rebuild_key() returns bigint language sql stable set search_path from current as $$
    select hashtextextended('careloop rebuild ' || current_schema(), 0)
$$;

-- SQLSTATE CLB01: another rebuild runs, or has taken the idle slot over.
create function only_rebuild() returns void language plpgsql set search_path from current as $$
begin
    if not pg_try_advisory_xact_lock(rebuild_key()) then
        raise exception 'another rebuild runs' using errcode = 'CLB01';
    end if;
end $$;

-- Empties the idle slot for a new rebuild and answers its number. Whatever an earlier one still writes is waited for,
-- and refused from then on. The runtime role has no other way to empty anything, and none to empty the active slot.
create function begin_rebuild(out rebuild bigint, out slot smallint)
    language plpgsql security definer set search_path from current as $$
begin
    perform only_rebuild();
    update idle_slot i set rebuild = i.rebuild + 1, through = null returning i.rebuild into strict rebuild;
    select 1 - v.active into strict slot from view_slots v;
    execute format('truncate sections_%s, caseload_%s', slot, slot);
end $$;

-- Before each write into the idle slot, in its transaction.
create function still_rebuilding(p_rebuild bigint) returns void language plpgsql set search_path from current as $$
begin
    perform from idle_slot i where i.rebuild = p_rebuild for share;
    if not found then
        raise exception 'the idle slot was taken over' using errcode = 'CLB01';
    end if;
end $$;

-- For the planner, who otherwise takes a slot that was just filled for empty.
create function count_idle_slot() returns void language plpgsql security definer set search_path from current as $$
declare
    idle smallint;
begin
    select 1 - v.active into strict idle from view_slots v;
    execute format('analyze sections_%s, caseload_%s', idle, idle);
end $$;

-- Makes the idle slot the one that is read and written, and keeps the other. Only for a slot that is whole up to the
-- journal's head, of which the journal's lock makes sure. Everyone who waits looks again.
create function turn_view(p_rebuild bigint, p_through bigint) returns void
    language plpgsql security definer set search_path from current as $$
declare
    head bigint;
begin
    perform only_rebuild();
    perform pg_advisory_xact_lock(journal_key());
    select coalesce(max(j.position), 0) into head from journal j;
    if head <> p_through then
        raise exception 'the idle slot is not whole' using errcode = 'CLC01';
    end if;
    perform still_rebuilding(p_rebuild);
    update view_slots set active = 1 - active;
    update idle_slot set through = p_through;
    perform pg_notify('coordination_view', '');
end $$;

do $$
begin
    execute format('revoke all on sections_0, caseload_0 from %I', current_schema());
    execute format('grant select, insert, update on sections, caseload to %I', current_schema());
    execute format('grant select, update (through) on idle_slot to %I', current_schema());
    execute format('grant execute on function rebuild_key, only_rebuild, begin_rebuild, still_rebuilding,
        count_idle_slot, turn_view to %I', current_schema());
end $$;

-- migrate:down

do $$ begin raise exception 'a journal is not rolled back'; end $$;
