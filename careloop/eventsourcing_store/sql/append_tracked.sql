    with told as (
        insert into {tracking} as t (application_name, notification_id, insert_id)
        select u.name, u.position, i_ids[u.n]
        from unnest(t_names, t_positions) with ordinality u (name, position, n)
        where u.name is not null and fresh[u.n]
        order by u.name
        on conflict (application_name) do update
        set notification_id = excluded.notification_id, insert_id = excluded.insert_id
        where t.notification_id < excluded.notification_id or t.insert_id = excluded.insert_id
        returning t.application_name)
    select array_agg(fresh[u.n] and (u.name is null or u.name in (select told.application_name from told)) order by u.n)
    into fresh
    from unnest(t_names) with ordinality u (name, n);
