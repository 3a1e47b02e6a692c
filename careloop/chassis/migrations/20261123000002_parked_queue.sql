-- migrate:up

-- Who gave up which records, and why. A repeat of the request finds its own row.
create table parked_drops (
    request_id text primary key,
    consumer text not null,
    source text not null,
    patient_id uuid not null,
    positions bigint[] not null,
    event_ids uuid[] not null,
    reason text not null,
    dropped_by text not null,
    dropped_at timestamptz not null default clock_timestamp()
);

-- Queues records of patients who are parked already. The rows they queue behind stay locked until the end of the
-- transaction: a retry that empties a queue has either ended, which is a conflict here, or will see the new rows.
create function queue_parked(
    p_consumer text, p_source text, p_patients uuid[], p_positions bigint[], p_event_ids uuid[], p_types text[],
    p_headers jsonb[], p_values bytea[]
) returns void language plpgsql set search_path from current as $$
declare
    present integer;
begin
    with locked as materialized (
        select k.patient_id from parked k
        where k.consumer = p_consumer and k.source = p_source and k.patient_id = any(p_patients)
        order by k.patient_id, k.position for share)
    select count(distinct locked.patient_id) into present from locked;
    if present < (select count(distinct u.patient) from unnest(p_patients) u (patient)) then
        raise exception 'a patient is no longer parked' using errcode = 'CLC01';
    end if;
    insert into parked (consumer, source, patient_id, position, event_id, type, headers, value, reason)
    select p_consumer, p_source, u.*, 'queued'
    from unnest(p_patients, p_positions, p_event_ids, p_types, p_headers, p_values) u;
end $$;

-- Gives up what waits for one patient and records who did so; answers how many records. 0: nothing waits there.
create function drop_parked(
    p_request_id text, p_consumer text, p_source text, p_patient uuid, p_reason text, p_by text
) returns integer language plpgsql set search_path from current as $$
declare
    before integer;
    taken bigint[];
    events uuid[];
begin
    select cardinality(d.positions) into before from parked_drops d where d.request_id = p_request_id;
    if found then
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
    execute format('grant select, insert on parked_drops to %I', current_schema());
    execute format('grant execute on function queue_parked, drop_parked to %I', current_schema());
end $$;

-- migrate:down

do $$ begin raise exception 'a record of what was given up is not rolled back'; end $$;
