-- migrate:up

-- Where each person's notices are, over all patients. What a notice says is read from its patient's stream; these
-- tables are written in the transaction that stores the event they follow.
create table notices (
    notice_id uuid primary key,
    patient_id uuid not null,
    urgency smallint not null,
    decided_at timestamptz not null,
    acknowledge_by timestamptz,
    step integer not null default 0,
    is_open boolean not null
);

create table inboxes (
    person text not null,
    notice_id uuid not null references notices,
    primary key (person, notice_id)
);

do $$ begin
    execute format('grant select, insert, update on notices, inboxes to %I', current_schema());
end $$;

-- migrate:down

drop table inboxes;
drop table notices;
