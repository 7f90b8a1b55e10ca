use super::super::dialect::Dialect;
use super::SqlStore;
use super::row::{DatabaseRow, get, invalid, time};
use super::transaction::Transaction;
use super::user::user;
use crate::server::Unavailable;
use crate::server::model::role::RoleGrant;
use crate::server::model::{Role, User, UserId};
use crate::server::store::{RoleReads, RoleWrites};
use async_trait::async_trait;
use sqlx::query;
use uuid::Uuid;

fn role(row: &DatabaseRow) -> Result<Role, Unavailable> {
    Role::parse(get(row, "role")?).ok_or_else(|| invalid("role"))
}

#[async_trait]
impl RoleReads for SqlStore {
    async fn roles(&self, after: Option<(UserId, Role)>, limit: u32) -> Result<Vec<(User, RoleGrant)>, Unavailable> {
        let (after_user, after_role) = after.map_or((Uuid::nil(), ""), |(user, role)| (user.0, role.name()));
        let statement = query(concat!(
            "select ",
            user_columns!(),
            ", r.role, r.granted_at from user_roles r join users u on u.id = r.user_id where u.deleted_at is null \
             and (r.user_id > $1 or (r.user_id = $1 and r.role > $2)) order by r.user_id, r.role limit $3"
        ));
        let rows = self.all(statement.bind(after_user).bind(after_role).bind(i64::from(limit))).await?;
        let grant = |row: &DatabaseRow| {
            let user = user(row)?;
            let grant = RoleGrant { user_id: user.id, role: role(row)?, granted_at: time(row, "granted_at")? };
            Ok((user, grant))
        };
        rows.iter().map(grant).collect()
    }

    async fn roles_of(&self, user: UserId) -> Result<Vec<Role>, Unavailable> {
        let rows = self.all(query("select role from user_roles where user_id = $1 order by role").bind(user.0)).await?;
        rows.iter().map(role).collect()
    }
}

#[async_trait]
impl RoleWrites for Transaction {
    async fn grant_role(&mut self, grant: &RoleGrant) -> Result<bool, Unavailable> {
        let statement = query(concat!(
            "insert into user_roles (",
            role_columns!(""),
            ") values (",
            role_values!(user_id = "$1", role = "$2", granted_at = "$3"),
            ") on conflict (user_id, role) do nothing"
        ));
        let statement = statement.bind(grant.user_id.0).bind(grant.role.name()).bind(grant.granted_at.unix_millis());
        Ok(self.run(statement).await? == 1)
    }

    async fn revoke_role(&mut self, user: UserId, role: Role) -> Result<bool, Unavailable> {
        let statement = query("delete from user_roles where user_id = $1 and role = $2");
        Ok(self.run(statement.bind(user.0).bind(role.name())).await? == 1)
    }

    async fn lock_owners(&mut self) -> Result<Vec<(UserId, bool)>, Unavailable> {
        let rows = self.all(query(Dialect::LOCK_OWNERS)).await?;
        let owner =
            |row: &DatabaseRow| Ok((UserId(get(row, "user_id")?), get::<Option<i64>>(row, "disabled_at")?.is_none()));
        rows.iter().map(owner).collect()
    }
}
