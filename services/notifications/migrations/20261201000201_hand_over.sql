-- migrate:up

-- An entry leaves the inbox of who no longer has the role for which it came.
do $$ begin
    execute format('grant delete on inboxes to %I', current_schema());
end $$;

-- migrate:down

do $$ begin
    execute format('revoke delete on inboxes from %I', current_schema());
end $$;
