-- Every sign-in rewrites its passkey's row. Where its page has room for the new one, no index has to learn of it
-- (documentation of PostgreSQL 15, section 73.7, heap-only tuples): one row in eight is left as room.
alter table passkeys set (fillfactor = 85);
