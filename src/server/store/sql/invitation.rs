use super::SqlStore;
use super::row::{DatabaseRow, get, get_u32, hash, time};
use super::transaction::Transaction;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{Invitation, InvitationId};
use crate::server::secret::TokenHash;
use crate::server::store::{InvitationReads, InvitationWrites};
use async_trait::async_trait;
use sqlx::query;
use uuid::Uuid;

fn invitation(row: &DatabaseRow) -> Result<Invitation, Unavailable> {
    Ok(Invitation {
        id: InvitationId(get(row, "id")?),
        link_hash: hash(row, "link_hash")?,
        note: get(row, "note")?,
        uses_left: get_u32(row, "uses_left")?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

#[async_trait]
impl InvitationReads for SqlStore {
    async fn invitation(&self, link: &TokenHash) -> Result<Option<Invitation>, Unavailable> {
        let text = concat!("select ", invitation_columns!(""), " from invitations where link_hash = $1");
        self.one(query(text).bind(&link.0[..])).await?.map(|row| invitation(&row)).transpose()
    }

    async fn invitations(&self, before: Option<&Invitation>, limit: u32) -> Result<Vec<Invitation>, Unavailable> {
        let (created_at, id) = before.map_or((i64::MAX, Uuid::nil()), |one| (one.created_at.unix_millis(), one.id.0));
        let statement = query(concat!(
            "select ",
            invitation_columns!(""),
            " from invitations where created_at < $1 or (created_at = $1 and id > $2) \
             order by created_at desc, id limit $3"
        ));
        let found = self.all(statement.bind(created_at).bind(id).bind(i64::from(limit))).await?;
        found.iter().map(invitation).collect()
    }

    async fn remove_expired_invitations(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let text = "delete from invitations where id in \
                    (select id from invitations where expires_at <= $1 order by expires_at limit $2)";
        self.remove(text, now.unix_millis(), limit).await
    }
}

#[async_trait]
impl InvitationWrites for Transaction {
    async fn add_invitation(&mut self, invitation: &Invitation) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into invitations (",
            invitation_columns!(""),
            ") values (",
            invitation_values!(
                id = "$1",
                link_hash = "$2",
                note = "$3",
                uses_left = "$4",
                created_at = "$5",
                expires_at = "$6"
            ),
            ")"
        ))
        .bind(invitation.id.0)
        .bind(&invitation.link_hash.0[..])
        .bind(invitation.note.as_deref())
        .bind(i64::from(invitation.uses_left))
        .bind(invitation.created_at.unix_millis())
        .bind(invitation.expires_at.unix_millis());
        self.run(statement).await.map(drop)
    }

    async fn use_invitation(&mut self, link: &TokenHash, now: Timestamp) -> Result<bool, Unavailable> {
        let statement = query(
            "update invitations set uses_left = uses_left - 1 where link_hash = $1 and uses_left > 0 and expires_at > $2",
        );
        Ok(self.run(statement.bind(&link.0[..]).bind(now.unix_millis())).await? == 1)
    }

    async fn remove_invitation(&mut self, id: InvitationId) -> Result<bool, Unavailable> {
        Ok(self.run(query("delete from invitations where id = $1").bind(id.0)).await? == 1)
    }
}
