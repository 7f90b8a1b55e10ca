use super::SqlStore;
use super::row::{DatabaseRow, get, invalid, time};
use super::transaction::Transaction;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{Group, GroupName, InvitationId, UserId};
use crate::server::secret::TokenHash;
use crate::server::store::{GroupReads, GroupWrites};
use crate::types::DisplayName;
use async_trait::async_trait;
use sqlx::query;
use std::collections::BTreeSet;

const BY_NAME: &str = concat!("select ", group_columns!(""), " from user_groups where name = $1");

fn name(row: &DatabaseRow, column: &'static str) -> Result<GroupName, Unavailable> {
    GroupName::parse(get(row, column)?).ok_or_else(|| invalid(column))
}

fn group(row: &DatabaseRow) -> Result<Group, Unavailable> {
    Ok(Group {
        name: name(row, "name")?,
        title: DisplayName::parse(get(row, "title")?).map_err(|_| invalid("title"))?,
        is_default: get(row, "is_default")?,
        from_file: get(row, "from_file")?,
        created_at: time(row, "created_at")?,
    })
}

#[async_trait]
impl GroupReads for SqlStore {
    async fn groups(&self, after: Option<&GroupName>, limit: u32) -> Result<Vec<(Group, u64)>, Unavailable> {
        let statement = query(concat!(
            "select ",
            group_columns!("g."),
            ", (select count(*) from group_members m where m.group_name = g.name) as members \
             from user_groups g where g.name > $1 order by g.name limit $2"
        ));
        let rows = self.all(statement.bind(after.map_or("", GroupName::as_str)).bind(i64::from(limit))).await?;
        let counted = |row: &DatabaseRow| {
            let members = u64::try_from(get::<i64>(row, "members")?).map_err(|_| invalid("members"))?;
            Ok((group(row)?, members))
        };
        rows.iter().map(counted).collect()
    }

    async fn group(&self, name: &GroupName) -> Result<Option<Group>, Unavailable> {
        self.one(query(BY_NAME).bind(name.as_str())).await?.map(|row| group(&row)).transpose()
    }

    async fn groups_of(&self, user: UserId) -> Result<BTreeSet<GroupName>, Unavailable> {
        let rows = self.all(query("select group_name from group_members where user_id = $1").bind(user.0)).await?;
        rows.iter().map(|row| name(row, "group_name")).collect()
    }
}

#[async_trait]
impl GroupWrites for Transaction {
    async fn lock_group(&mut self, name: &GroupName) -> Result<Option<Group>, Unavailable> {
        // An update that changes nothing locks the row on either database.
        self.run(query("update user_groups set name = name where name = $1").bind(name.as_str())).await?;
        self.one(query(BY_NAME).bind(name.as_str())).await?.map(|row| group(&row)).transpose()
    }

    async fn groups_from_file(&mut self) -> Result<Vec<Group>, Unavailable> {
        let statement =
            query(concat!("select ", group_columns!(""), " from user_groups where from_file order by name"));
        self.all(statement).await?.iter().map(group).collect()
    }

    async fn put_group(&mut self, group: &Group) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into user_groups (",
            group_columns!(""),
            ") values (",
            group_values!(name = "$1", title = "$2", is_default = "$3", from_file = "$4", created_at = "$5"),
            ") on conflict (name) do update set title = $2, is_default = $3, from_file = $4"
        ))
        .bind(group.name.as_str())
        .bind(group.title.as_str())
        .bind(group.is_default)
        .bind(group.from_file)
        .bind(group.created_at.unix_millis());
        self.run(statement).await.map(drop)
    }

    async fn remove_group(&mut self, name: &GroupName) -> Result<bool, Unavailable> {
        Ok(self.run(query("delete from user_groups where name = $1").bind(name.as_str())).await? == 1)
    }

    async fn join_group(&mut self, user: UserId, name: &GroupName, now: Timestamp) -> Result<bool, Unavailable> {
        let statement = query(concat!(
            "insert into group_members (",
            member_columns!(""),
            ") select ",
            member_values!(user_id = "$1", group_name = "name", joined_at = "$3"),
            " from user_groups where name = $2 on conflict (user_id, group_name) do nothing"
        ));
        Ok(self.run(statement.bind(user.0).bind(name.as_str()).bind(now.unix_millis())).await? == 1)
    }

    async fn leave_group(&mut self, user: UserId, name: &GroupName) -> Result<bool, Unavailable> {
        let statement = query("delete from group_members where user_id = $1 and group_name = $2");
        Ok(self.run(statement.bind(user.0).bind(name.as_str())).await? == 1)
    }

    async fn join_initial_groups(
        &mut self,
        user: UserId,
        invitation: Option<&TokenHash>,
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into group_members (",
            member_columns!(""),
            ") select ",
            member_values!(user_id = "$1", group_name = "name", joined_at = "$2"),
            " from (select name from user_groups where is_default union \
             select g.group_name from invitation_groups g join invitations i on i.id = g.invitation_id \
             where i.link_hash = $3) as first_groups where true on conflict (user_id, group_name) do nothing"
        ));
        let link = invitation.map(|link| &link.0[..]);
        self.run(statement.bind(user.0).bind(now.unix_millis()).bind(link)).await.map(drop)
    }

    async fn add_group_to_invitation(&mut self, id: InvitationId, name: &GroupName) -> Result<bool, Unavailable> {
        let statement = query(concat!(
            "insert into invitation_groups (",
            invitation_group_columns!(""),
            ") select ",
            invitation_group_values!(invitation_id = "$1", group_name = "name"),
            " from user_groups where name = $2"
        ));
        Ok(self.run(statement.bind(id.0).bind(name.as_str())).await? == 1)
    }
}
