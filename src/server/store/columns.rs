//! Describes every table once: its columns by name and kind. This is the source for statements that name all columns of
//! a table, for the sign-in statements of both databases, and for export and import.

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

/// Defines two macros for each table: one for the list of its columns, with a prefix and optionally with aliases, and
/// one for their values by name, in the same order. A statement that leaves out a column does not compile.
macro_rules! tables {
    ($d:tt; $($table:ident: $columns:ident, $values:ident { $($kind:ident: $($column:ident)+;)+ })*) => {
        $(
            #[allow(unused_macros, reason = "some tables are never written with a list of all columns")]
            macro_rules! $columns {
                ($d prefix:literal) => { list!($d prefix: $($($column)+)+) };
                ($d prefix:literal as $d alias:literal) => { list_as!($d prefix as $d alias: $($($column)+)+) };
            }

            #[allow(unused_macros, reason = "some tables are never written with a list of all columns")]
            macro_rules! $values {
                ($($($column = $d $column:literal),+),+ $d(,)?) => { join!($($($d $column)+)+) };
            }
        )*

        /// All tables except the development mailbox, ordered so that referenced tables come first.
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
        Boolean: email_verified;
        Integer: created_at username_changed_at guarded_since lockdown_ends_at disabled_at deleted_at;
        Text: language restored_email_key;
        Integer: restored_change_at;
    }
    passkeys: passkey_columns, passkey_values {
        Bytes: credential_id;
        Id: user_id;
        Text: rp_id record;
        Integer: record_version;
        Id: aaguid;
        Text: transports;
        Boolean: backup_eligible backed_up;
        Integer: sign_count created_at last_used_at;
        Text: name added_with;
        Integer: suspended_at;
        Text: last_used_browser last_used_system;
    }
    sessions: session_columns, session_values {
        Id: id user_id;
        Bytes: token_hash;
        Text: method;
        Bytes: credential_id;
        Boolean: user_verified;
        Integer: authenticated_at created_at last_seen_at ends_at idle_millis;
        Text: browser system;
        Boolean: offers_passkey added_passkey kept;
    }
    known_browsers: browser_columns, browser_values {
        Bytes: token_hash;
        Id: user_id;
        Integer: expires_at declined_until;
        Boolean: recognised;
    }
    recovery_codes: recovery_columns, recovery_values {
        Bytes: code_hash;
        Id: user_id;
        Integer: created_at;
    }
    held_usernames: held_columns, held_values {
        Bytes: name_hash;
        Id: user_id;
        Integer: held_until;
    }
    invitations: invitation_columns, invitation_values {
        Id: id;
        Bytes: link_hash;
        Text: note;
        Integer: uses_left created_at expires_at;
    }
    user_groups: group_columns, group_values {
        Text: name title;
        Boolean: is_default from_file;
        Integer: created_at;
    }
    group_members: member_columns, member_values {
        Id: user_id;
        Text: group_name;
        Integer: joined_at;
    }
    invitation_groups: invitation_group_columns, invitation_group_values {
        Id: invitation_id;
        Text: group_name;
    }
    user_roles: role_columns, role_values {
        Id: user_id;
        Text: role;
        Integer: granted_at;
    }
    applications: application_columns, application_values {
        Text: id name url logo who method;
        Integer: max_age_millis;
        Boolean: from_file;
        Integer: disabled_at created_at;
    }
    application_logos: logo_columns, logo_values {
        Text: application_id media_type;
        Bytes: content;
    }
    application_groups: application_group_columns, application_group_values {
        Text: application_id group_name;
    }
    signing_keys: signing_key_columns, signing_key_values {
        Text: kid algorithm public_key;
        Bytes: sealed;
        Text: sealed_by;
        Integer: created_at signs_from revoked_at;
    }
    lasting_keys: lasting_key_columns, lasting_key_values {
        Text: name;
        Bytes: sealed;
        Text: sealed_by;
        Integer: created_at;
    }
    oauth_clients: client_columns, client_values {
        Text: application_id client_id;
        Boolean: is_public requires_pkce;
        Text: algorithm;
        Boolean: claims_in_id_token;
        Text: consent;
        Boolean: refreshes;
        Text: redirect_uris post_logout_redirect_uris backchannel_logout_uri claim_rules;
    }
    client_secrets: client_secret_columns, client_secret_values {
        Text: application_id;
        Bytes: secret_hash;
        Text: prefix;
        Integer: created_at expires_at;
        Boolean: from_file;
    }
    redirect_mismatches: mismatch_columns, mismatch_values {
        Text: application_id uri reference;
        Integer: happened_at;
    }
    code_counts: code_count_columns, code_count_values {
        Text: application_id;
        Integer: day issued presented;
    }
    consents: consent_columns, consent_values {
        Id: user_id;
        Text: application_id scopes;
        Integer: given_at;
    }
    visits: visit_columns, visit_values {
        Id: session_id;
        Text: application_id;
        Id: user_id;
        Text: sid;
        Integer: first_at last_at;
    }
    logout_deliveries: delivery_columns, delivery_values {
        Id: id user_id;
        Text: application_id;
        Integer: happened_at;
        Text: failure;
    }
    grants: grant_columns, grant_values {
        Id: id user_id;
        Text: application_id;
        Id: session_id;
        Bytes: code_hash;
        Text: sid scopes claims method;
        Bytes: credential_id;
        Boolean: user_verified;
        Integer: authenticated_at created_at ends_at;
    }
    access_tokens: access_token_columns, access_token_values {
        Bytes: token_hash;
        Id: grant_id;
        Text: scopes;
        Integer: created_at expires_at;
    }
    refresh_tokens: refresh_token_columns, refresh_token_values {
        Bytes: token_hash;
        Id: grant_id;
        Integer: created_at used_at;
    }
    events: event_columns, event_values {
        Id: id user_id;
        Text: kind;
        Integer: at;
        Text: browser system detail;
    }
    security_letters: notification_columns, notification_values {
        Id: id user_id;
        Text: occasion detail address address_key name;
        Boolean: can_undo;
        Text: browser system;
        Bytes: link_hash;
        Integer: happened_at expires_at answered_at undone_at;
        Text: language;
    }
    letter_requests: request_columns, request_values {
        Id: id;
        Text: purpose;
        Bytes: browser_hash;
        Id: session_id user_id known_user_id;
        Text: identifier username display_name address address_key next browser system;
        Bytes: link_hash code_hash;
        Integer: tries_left created_at expires_at;
        Bytes: invitation_hash;
        Text: language;
    }
    outbox: outbox_columns, outbox_values {
        Id: id;
        Text: kind;
        Id: subject_id;
        Text: payload;
        Integer: created_at not_after due_at attempts;
        Id: claim;
        Integer: claimed_until handed_over_at;
    }
}
