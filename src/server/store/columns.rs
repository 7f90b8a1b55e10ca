//! Every table, described once: the columns by name and kind. From here come the statements that name all columns of a
//! table, the sign-in of both databases, and export and import.

use super::transfer::{Column, Kind, Table};

/// `p.a, p.b` from `"p.": a b`.
macro_rules! list {
    ($prefix:literal: $first:ident $($rest:ident)*) => {
        concat!($prefix, stringify!($first) $(, ", ", $prefix, stringify!($rest))*)
    };
}

/// `p.a as q_a, p.b as q_b` from `"p." as "q_": a b`.
macro_rules! list_as {
    ($prefix:literal as $alias:literal: $first:ident $($rest:ident)*) => {
        concat!(
            $prefix, stringify!($first), " as ", $alias, stringify!($first)
            $(, ", ", $prefix, stringify!($rest), " as ", $alias, stringify!($rest))*
        )
    };
}

/// `a, b` from literals.
macro_rules! join {
    ($first:literal $($rest:literal)*) => { concat!($first $(, ", ", $rest)*) };
}

/// For each table a macro for the list of its columns, with a prefix, and one for their values in the same order, by name:
/// a statement that leaves out a column does not compile.
macro_rules! tables {
    ($d:tt; $($table:ident: $columns:ident, $values:ident { $($kind:ident: $($column:ident)+;)+ })*) => {
        $(
            #[allow(unused_macros, reason = "not every table is written by a list of all its columns")]
            macro_rules! $columns {
                ($d prefix:literal) => { list!($d prefix: $($($column)+)+) };
            }

            #[allow(unused_macros, reason = "not every table is written by a list of all its columns")]
            macro_rules! $values {
                ($($($column = $d $column:literal),+),+ $d(,)?) => { join!($($($d $column)+)+) };
            }
        )*

        /// All tables but the development mailbox, in an order in which each row finds what it refers to.
        pub const TABLES: &[Table] = &[$(Table {
            name: stringify!($table),
            columns: &[$($(Column { name: stringify!($column), kind: Kind::$kind },)+)+],
        },)*];
    };
}

tables! { $;
    users: user_row, user_values {
        Id: id;
        Text: username username_key display_name email email_key;
        Truth: email_verified;
        Whole: created_at username_changed_at guarded_since lockdown_ends_at disabled_at deleted_at;
        Text: language restored_email_key;
        Whole: restored_change_at;
    }
    passkeys: passkey_columns, passkey_values {
        Bytes: credential_id;
        Id: user_id;
        Text: rp_id record;
        Whole: record_version;
        Id: aaguid;
        Text: transports;
        Truth: backup_eligible backed_up;
        Whole: sign_count created_at last_used_at;
        Text: name added_with;
        Whole: suspended_at;
        Text: last_used_browser last_used_system;
    }
    sessions: session_columns, session_values {
        Id: id user_id;
        Bytes: token_hash;
        Text: method;
        Bytes: credential_id;
        Truth: user_verified;
        Whole: authenticated_at created_at last_seen_at ends_at idle_millis;
        Text: browser system;
        Truth: offers_passkey added_passkey kept;
    }
    known_browsers: browser_columns, browser_values {
        Bytes: token_hash;
        Id: user_id;
        Whole: expires_at declined_until;
        Truth: recognised;
    }
    recovery_codes: recovery_columns, recovery_values {
        Bytes: code_hash;
        Id: user_id;
        Whole: created_at;
    }
    held_usernames: held_columns, held_values {
        Bytes: name_hash;
        Id: user_id;
        Whole: held_until;
    }
    invitations: invitation_columns, invitation_values {
        Id: id;
        Bytes: link_hash;
        Text: note;
        Whole: uses_left created_at expires_at;
    }
    user_groups: group_columns, group_values {
        Text: name title;
        Truth: is_default from_file;
        Whole: created_at;
    }
    group_members: member_columns, member_values {
        Id: user_id;
        Text: group_name;
        Whole: joined_at;
    }
    invitation_groups: invitation_group_columns, invitation_group_values {
        Id: invitation_id;
        Text: group_name;
    }
    user_roles: role_columns, role_values {
        Id: user_id;
        Text: role;
        Whole: granted_at;
    }
    applications: application_columns, application_values {
        Text: id name url who method;
        Whole: max_age_millis;
        Truth: from_file;
        Whole: disabled_at created_at;
    }
    application_groups: application_group_columns, application_group_values {
        Text: application_id group_name;
    }
    events: event_columns, event_values {
        Id: id user_id;
        Text: kind;
        Whole: at;
        Text: browser system detail;
    }
    security_letters: notification_columns, notification_values {
        Id: id user_id;
        Text: occasion detail address address_key name;
        Truth: can_undo;
        Text: browser system;
        Bytes: link_hash;
        Whole: happened_at expires_at answered_at undone_at;
        Text: language;
    }
    letter_requests: request_columns, request_values {
        Id: id;
        Text: purpose;
        Bytes: browser_hash;
        Id: session_id user_id known_user_id;
        Text: identifier username display_name address address_key next browser system;
        Bytes: link_hash code_hash;
        Whole: tries_left created_at expires_at;
        Bytes: invitation_hash;
        Text: language;
    }
    outbox: outbox_columns, outbox_values {
        Id: id;
        Text: kind;
        Id: subject_id;
        Text: payload;
        Whole: created_at not_after due_at attempts;
        Id: claim;
        Whole: claimed_until handed_over_at;
    }
}

/// The values of `outbox` from a row of `letters`, the queue of the previous version.
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

/// The columns of `users` (as `u`) that make an account, under names that no other table has.
macro_rules! user_columns {
    () => {
        list_as!("u." as "user_": id username display_name email email_verified created_at username_changed_at
                                  guarded_since lockdown_ends_at disabled_at language)
    };
}

/// Reads accounts for which a condition holds. Deleted ones are none.
macro_rules! select_user {
    ($condition:literal) => {
        concat!("select ", user_columns!(), " from users u where u.deleted_at is null and ", $condition)
    };
}

/// Whether a passkey may be used with this counter and this eligibility for backup: it is not suspended, its counter grows
/// or stays at zero (WebAuthn Level 3, section 7.2, step 22), and eligibility does not turn off.
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
