use super::SqlStore;
use super::application::application;
use super::row::{get, maybe_time};
use super::transaction::Transaction;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::oauth::Scopes;
use crate::server::model::{ApplicationId, SessionId, UserId};
use crate::server::store::{MAX_LISTED, UserApplication, VisitReads, VisitWrites};
use async_trait::async_trait;
use sqlx::query;

#[async_trait]
impl VisitReads for SqlStore {
    async fn applications_of(
        &self,
        user: UserId,
        after: Option<&ApplicationId>,
        limit: u32,
    ) -> Result<Vec<UserApplication>, Unavailable> {
        let statement = query(concat!(
            "select ",
            aliased_application!(),
            ", (select min(v.first_at) from visits v where v.user_id = $1 and v.application_id = a.id) as since, \
             (select max(v.last_at) from visits v where v.user_id = $1 and v.application_id = a.id) as used_at, \
             (select count(*) from grants g where g.user_id = $1 and g.application_id = a.id) as grants, \
             (select c.scopes from consents c where c.user_id = $1 and c.application_id = a.id) as allowed \
             from applications a where a.id > $2 and a.disabled_at is null and (a.who = 'everybody' or (a.who = 'groups' \
             and exists (select 1 from application_groups ag join group_members m on m.group_name = ag.group_name \
             where ag.application_id = a.id and m.user_id = $1))) order by a.id limit $3"
        ));
        let after = after.map_or("", ApplicationId::as_str);
        let rows = self.all(statement.bind(user.0).bind(after).bind(i64::from(limit))).await?;
        let with = |row| {
            let (since, used_at) = (maybe_time(row, "since")?, maybe_time(row, "used_at")?);
            let has_access = used_at.is_some() || get::<i64>(row, "grants")? > 0;
            let consent = get::<Option<&str>>(row, "allowed")?.map(Scopes::parse);
            Ok(UserApplication { application: application(row)?, since, used_at, has_access, consent })
        };
        rows.iter().map(with).collect()
    }

    async fn visits_of(&self, user: UserId) -> Result<Vec<(SessionId, String)>, Unavailable> {
        let statement = query(
            "select v.session_id, a.name from visits v join applications a on a.id = v.application_id \
             where v.user_id = $1 order by a.name limit $2",
        );
        let rows = self.all(statement.bind(user.0).bind(i64::from(MAX_LISTED))).await?;
        rows.iter().map(|row| Ok((SessionId(get(row, "session_id")?), get(row, "name")?))).collect()
    }
}

#[async_trait]
impl VisitWrites for Transaction {
    async fn end_visits(
        &mut self,
        user: UserId,
        application: Option<&ApplicationId>,
        now: Timestamp,
    ) -> Result<u64, Unavailable> {
        const VISITS: &str = visits_of!("s.user_id = $1 and ($2 is null or v.application_id = $2)");
        let application = application.map(ApplicationId::as_str);
        self.queue_logouts(query(VISITS).bind(user.0).bind(application), now).await?;
        let statement = query("delete from visits where user_id = $1 and ($2 is null or application_id = $2)");
        self.run(statement.bind(user.0).bind(application)).await
    }
}
