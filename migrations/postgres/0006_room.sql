-- Every sign-in rewrites its passkey's row, and changes no column that has an index. Where the page has room for the new row, no
-- index has to learn of it (documentation of PostgreSQL, "Heap-Only Tuples"). 15 % stay free of each page that is filled from now
-- on; those that are there are not rewritten.
alter table passkeys set (fillfactor = 85);
