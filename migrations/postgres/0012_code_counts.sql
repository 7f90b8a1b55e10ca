-- Authorization codes of an application by day: issued to it, and sent back by it. The doctor names one that never sends any.

create table code_counts (
    application_id text not null references applications (id) on delete cascade,
    -- Days since 1970, UTC.
    day bigint not null,
    issued bigint not null,
    presented bigint not null,
    primary key (application_id, day)
);

create index code_counts_day on code_counts (day);
