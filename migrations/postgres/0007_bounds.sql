-- Bounds: what an account may keep, what a deletion leaves to a job, and how a lockdown ends.

-- When the lockdown after "This wasn't me" ends by itself; null where an older passkey or a recovery code ends it.
alter table users add column lockdown_ends_at bigint;
update users set lockdown_ends_at = guarded_since + 259200000
where guarded_since is not null
  and not exists (select 1 from passkeys p
                  where p.user_id = users.id and p.created_at < users.guarded_since and p.suspended_at is null)
  and not exists (select 1 from recovery_codes c where c.user_id = users.id and c.created_at < users.guarded_since);

-- From then on the account is unusable, and a job removes its rows.
alter table users add column deleted_at bigint;
create index users_deleted on users (deleted_at) where deleted_at is not null;

-- The address that an undo link restored last, and when the change was made that it undid.
alter table users add column restored_email_key text;
alter table users add column restored_change_at bigint;

-- At most 100 sessions and 50 known browsers of an account are kept, the newest.
delete from sessions where id in (
    select id from (select id, row_number() over (partition by user_id order by last_seen_at desc, id desc) as place
                    from sessions) as ranked where place > 100);
delete from known_browsers where token_hash in (
    select token_hash from (select token_hash, row_number() over (partition by user_id order by expires_at desc) as place
                            from known_browsers) as ranked where place > 50);
