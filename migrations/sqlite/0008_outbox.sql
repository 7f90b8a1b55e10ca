-- One queue for everything that is sent, whatever it is about.
--
-- `letters` stays for a node of the version before, which may run beside this one for a while. What it leaves there is moved
-- to the new queue by the cleanup job.
create table outbox (
    id blob primary key,
    -- What kind of message it is, and of which table the row is that it is about.
    kind text not null,
    subject_id blob,
    -- What else a message needs, where no row holds it.
    payload text,
    created_at integer not null,
    -- After this it is of no use.
    not_after integer not null,
    due_at integer not null,
    attempts integer not null default 0,
    claim blob,
    claimed_until integer,
    -- From here on the receiver may have it: it is never tried again.
    handed_over_at integer
) strict;

create index outbox_due on outbox (due_at) where handed_over_at is null;
create index outbox_handed_over on outbox (not_after) where handed_over_at is not null;
create index outbox_subject on outbox (subject_id);
