-- How far each followed application has been processed; `insert_id` names the call that said so last.
create table {tracking} (
    application_name text primary key,
    notification_id bigint not null,
    insert_id uuid not null
);
