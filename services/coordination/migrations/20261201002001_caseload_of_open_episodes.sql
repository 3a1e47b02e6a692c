-- migrate:up

-- A patient whose episode of care has ended is in the caseload only while an emergency is open; of one who died only one
-- of which somebody is notified. `ended` in the headline of assessment says why it ended.
create or replace function rank_caseload(p_slot smallint, p_patients uuid[], p_calm smallint) returns void
    language sql set search_path from current as $$
    with ranked as (
        select p.patient, e.ended, c.*
        from unnest(p_patients) p (patient)
        left join lateral (
            select nullif(s.headline ->> 'ended', '') as ended from sections s
            where s.slot = p_slot and s.patient_id = p.patient and s.source = 'assessment') e on true
        left join lateral (
            select r.rank, coalesce(r.due_at, '9999-12-31T00:00:00Z') as due_at, r.reason, r.fact_id
            from sections s
            cross join lateral jsonb_to_recordset(s.concerns)
                as r (fact_id uuid, rank smallint, reason text, due_at timestamptz, until_answered boolean)
            where s.slot = p_slot and s.patient_id = p.patient and not (r.until_answered and exists (
                select from sections o
                where o.slot = p_slot and o.patient_id = p.patient
                    and (r.fact_id = any(o.answered) or r.fact_id = any((
                        select t.answered from section_states t
                        where t.slot = p_slot and t.patient_id = o.patient_id and t.source = o.source
                            and t.fold_version = o.fold_version and o.state = '')::uuid[]))))
                and (e.ended is null or r.rank = 0)
                and (e.ended is distinct from 'deceased' or s.source = 'notifications')
            order by 1, 2, 4
            limit 1) c on true
    ), gone as (
        delete from caseload k using ranked r
        where k.slot = p_slot and k.patient_id = r.patient and r.ended is not null and r.rank is null
    )
    insert into caseload (slot, patient_id, rank, due_at, reason, fact_id)
    select p_slot, r.patient, coalesce(r.rank, p_calm), coalesce(r.due_at, '9999-12-31T00:00:00Z'),
        coalesce(r.reason, ''), r.fact_id
    from ranked r
    where r.ended is null or r.rank is not null
    order by r.patient
    on conflict (slot, patient_id) do update
    set rank = excluded.rank, due_at = excluded.due_at, reason = excluded.reason, fact_id = excluded.fact_id
$$;

do $$ begin execute format('grant delete on caseload to %I', current_schema()); end $$;

-- migrate:down

do $$ begin raise exception 'a journal is not rolled back'; end $$;
