-- For PostgreSQL alone: SQLite rewrites a row where it stands.
select 1;
