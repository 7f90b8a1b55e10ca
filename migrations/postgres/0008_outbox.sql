-- One queue for everything that is sent, whatever it is about.
--
-- `letters` stays for a node of the version before, which may run beside this one for a while. What it leaves there is moved
-- to the new queue by the cleanup job.
create table outbox (
    id uuid primary key,
    -- What kind of message it is, and of which table the row is that it is about.
    kind text not null,
    subject_id uuid,
    -- What else a message needs, where no row holds it.
    payload text,
    created_at bigint not null,
    -- After this it is of no use.
    not_after bigint not null,
    due_at bigint not null,
    attempts bigint not null default 0,
    claim uuid,
    claimed_until bigint,
    -- From here on the receiver may have it: it is never tried again.
    handed_over_at bigint
);

create index outbox_due on outbox (due_at) where handed_over_at is null;
create index outbox_handed_over on outbox (not_after) where handed_over_at is not null;
create index outbox_subject on outbox (subject_id);
