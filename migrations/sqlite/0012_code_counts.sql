-- How many authorization codes an application got and redeemed on a day, so that one that never redeems any is noticed.

create table code_counts (
    application_id text not null references applications (id) on delete cascade,
    -- Days since 1970, UTC.
    day integer not null,
    issued integer not null,
    redeemed integer not null,
    primary key (application_id, day)
) strict;

create index code_counts_day on code_counts (day);
