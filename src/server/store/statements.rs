//! Statements and fragments that both databases share and that more than one file uses.

/// The `outbox` values for a row of `letters`, the queue of the previous version.
macro_rules! outbox_values_of_letters {
    () => {
        outbox_values!(
            id = "id",
            kind = "case when request_id is null then 'notification' else 'request' end",
            subject_id = "coalesce(request_id, security_letter_id)",
            payload = "null",
            created_at = "created_at",
            not_after = "not_after",
            due_at = "due_at",
            attempts = "attempts",
            claim = "null",
            claimed_until = "null",
            handed_over_at = "handed_over_at",
        )
    };
}

/// The columns of `users` (as `u`) that an account is read from, under aliases that no other table uses.
macro_rules! user_columns {
    () => {
        list_as!("u." as "user_": id username display_name email email_verified created_at username_changed_at
                                  guarded_since lockdown_ends_at disabled_at language)
    };
}

/// The columns of `applications` (as `a`) with the groups of their policies, under aliases that no other table uses.
macro_rules! aliased_application {
    () => {
        concat!(
            application_columns!("a." as "application_"),
            ", (select string_agg(g.group_name, ' ') from application_groups g where g.application_id = a.id) \
               as application_groups"
        )
    };
}

/// The facts about a user (as `u`, with passkeys as `p`): one row for each passkey, or a single row without a passkey.
macro_rules! fact_columns {
    () => {
        concat!(
            passkey_columns!("p." as "passkey_"),
            ", (select string_agg(m.group_name, ' ') from group_members m where m.user_id = u.id) as user_groups"
        )
    };
}

/// The columns of `sessions` (as `s`) with the user and the user's facts; `of_user` is null if there is no user.
macro_rules! session_fact_columns {
    () => {
        concat!(session_columns!("s."), ", u.id as of_user, ", user_columns!(), ", ", fact_columns!())
    };
}

/// The scopes that a user (as `u`) has granted to an application (as `a`).
macro_rules! consent_column {
    () => {
        "(select o.scopes from consents o where o.user_id = u.id and o.application_id = a.id) as allowed_scopes"
    };
}

/// The joins after `sessions` that [`session_fact_columns`] needs. Deleted accounts do not match.
macro_rules! session_fact_joins {
    () => {
        " left join users u on u.id = s.user_id and u.deleted_at is null left join passkeys p on p.user_id = u.id"
    };
}

/// Reads the accounts that match a condition, except deleted ones.
macro_rules! select_user {
    ($condition:literal) => {
        concat!("select ", user_columns!(), " from users u where u.deleted_at is null and ", $condition)
    };
}

/// Whether a passkey may be used with this counter and backup eligibility: it is not suspended, its counter increases
/// or stays at zero (WebAuthn Level 3, section 7.2, step 22), and its backup eligibility is not lost.
macro_rules! may_be_used {
    ($count:literal, $eligible:literal) => {
        concat!(
            "suspended_at is null and (sign_count < ",
            $count,
            " or (sign_count = 0 and ",
            $count,
            " = 0)) \
             and (",
            $eligible,
            " or not backup_eligible)"
        )
    };
}

/// Reads the owners, and when their accounts were disabled.
macro_rules! owners {
    ($lock:literal) => {
        concat!(
            "select r.user_id, u.disabled_at from user_roles r join users u on u.id = r.user_id \
             where r.role = 'owner' and u.deleted_at is null order by r.user_id",
            $lock
        )
    };
}

/// Reads the visits of sessions that match a condition, at applications that receive logout notices.
macro_rules! visits_of {
    ($condition:literal) => {
        concat!(
            "select v.user_id, v.sid, v.application_id, c.client_id, c.backchannel_logout_uri from sessions s \
             join visits v on v.session_id = s.id join oauth_clients c on c.application_id = v.application_id \
             where c.backchannel_logout_uri is not null and ",
            $condition
        )
    };
}

/// The columns of a grant with its user.
macro_rules! active_grant_columns {
    () => {
        concat!(grant_columns!("g."), ", ", user_columns!())
    };
}

/// The tokens (as `t`) of a table, with their grants, users and sessions.
macro_rules! from_active_grants {
    ($table:literal) => {
        concat!(
            " from ",
            $table,
            " t join grants g on g.id = t.grant_id join users u on u.id = g.user_id left join sessions s on s.id = g.session_id"
        )
    };
}

/// Whether the grant of token `$1` is active at `$2`: neither it nor the session that it depends on has ended.
macro_rules! is_active_grant {
    () => {
        "t.token_hash = $1 and g.ends_at > $2 and u.deleted_at is null \
         and (g.session_id is null or (s.ends_at > $2 and s.last_seen_at + s.idle_millis > $2))"
    };
}
