insert into {tracking} as t (application_name, notification_id, insert_id) values ($1, $2, $3)
on conflict (application_name) do update
set notification_id = excluded.notification_id, insert_id = excluded.insert_id
where t.notification_id < excluded.notification_id or t.insert_id = excluded.insert_id
returning t.notification_id
