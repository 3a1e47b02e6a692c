-- One application's log, in the form of a service's: the columns of chassis/migrations, but versions may begin at 0.
create table {table} (
    originator_id uuid not null,
    originator_version bigint not null check (originator_version >= 0),
    topic text not null,
    state bytea not null,
    notification_id bigint not null check (notification_id > 0),
    event_id uuid not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    correlation_id uuid not null,
    causation_id uuid,
    actor text not null,
    command_id text not null,
    key_id text,
    primary key (originator_id, originator_version),
    unique (notification_id),
    unique (event_id)
);

create or replace function {refuse_change}() returns trigger language plpgsql as $function$
begin
    raise exception 'stored events are never changed' using errcode = 'insufficient_privilege';
end $function$;

create trigger events_are_never_changed before update or delete or truncate on {table}
    for each statement execute function {refuse_change}();
-- "always": also where session_replication_role would silence ordinary triggers.
alter table {table} enable always trigger events_are_never_changed;
