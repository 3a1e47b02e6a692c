-- migrate:up

-- What time it is for everything that this schema stores: the server's, and for a local stack whose clock was set ahead
-- as much later as the session says. A session that says nothing has the server's time.
create function present_moment() returns timestamptz language sql volatile parallel safe as $$
    select clock_timestamp() + coalesce(nullif(current_setting('careloop.ahead', true), ''), '0')::interval
$$;

do $$
declare
    found record;
begin
    execute format('grant execute on function present_moment to %I', current_schema());
    for found in
        select p.oid from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = current_schema() and p.proname <> 'present_moment' and p.prosrc like '%clock_timestamp()%'
    loop
        execute replace(pg_get_functiondef(found.oid), 'clock_timestamp()', 'present_moment()');
    end loop;
    for found in
        select d.adrelid::regclass as place, a.attname
        from pg_attrdef d
        join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
        join pg_class c on c.oid = d.adrelid
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = current_schema() and pg_get_expr(d.adbin, d.adrelid) like '%clock_timestamp()%'
    loop
        execute format('alter table %s alter column %I set default present_moment()', found.place, found.attname);
    end loop;
end $$;

-- migrate:down

do $$ begin raise exception 'a log is not rolled back'; end $$;
