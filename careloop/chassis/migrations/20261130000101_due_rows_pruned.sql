-- migrate:up

-- Rows that were done long ago are taken away: the service asks for it, and only this function may. What is not done
-- stays, however old it is.
create index due_done_idx on due (done_at) where done_at is not null;

create function prune_due(p_most integer) returns integer
    language sql security definer set search_path from current as $$
    with gone as (
        delete from due where due_id in (
            select due_id from due where done_at < clock_timestamp() - interval '30 days' order by done_at limit p_most)
        returning due_id)
    select count(*)::integer from gone
$$;

do $$ begin
    execute format('grant execute on function prune_due to %I', current_schema());
end $$;

-- migrate:down

drop function prune_due;
drop index due_done_idx;
