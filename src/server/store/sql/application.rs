use super::super::dialect::Dialect;
use super::row::{DatabaseRow, application_id, get, groups, invalid, maybe_time, millis, time};
use super::transaction::Transaction;
use super::{SqlStore, Statement};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::application::{AccessPolicy, Audience, RequiredMethod};
use crate::server::model::logo::{Logo, LogoKind};
use crate::server::model::{Application, ApplicationId, GroupName, UserId};
use crate::server::store::{ApplicationReads, ApplicationWrites, Insertion};
use crate::types::DisplayName;
use async_trait::async_trait;
use sqlx::query;
use std::collections::BTreeSet;
use std::time::Duration;

/// The number that is locked while `APPLICATIONS_FILE` is applied (any number that nothing else uses).
const LOCK: i64 = 0x6c6b_6170;

/// The value of the column `who` for groups, whose names are in `application_groups`.
const GROUPS: &str = "groups";

/// One application.
const ONE: &str = concat!("select ", aliased_application!(), " from applications a where a.id = $1");

/// An audience, as the column `who` stores it.
pub fn audience_column(who: &Audience) -> &'static str {
    match who {
        Audience::Closed => Audience::CLOSED,
        Audience::Everybody => GroupName::EVERYBODY,
        Audience::Groups(_) => GROUPS,
    }
}

/// Binds the values of an application except its creation time, in the order of its columns.
fn bind<'q>(statement: Statement<'q>, application: &'q Application) -> Statement<'q> {
    let policy = &application.policy;
    statement
        .bind(application.id.as_str())
        .bind(application.name.as_str())
        .bind(application.url.as_deref())
        .bind(application.logo.as_deref())
        .bind(audience_column(&policy.who))
        .bind(policy.method.name())
        .bind(policy.max_age.map(millis))
        .bind(application.from_file)
        .bind(application.disabled_at.map(Timestamp::unix_millis))
}

/// Reads an application from [`aliased_application`].
pub fn application(row: &DatabaseRow) -> Result<Application, Unavailable> {
    let who: &str = get(row, "application_who")?;
    let max_age: Option<i64> = get(row, "application_max_age_millis")?;
    let max_age = max_age.map(|millis| u64::try_from(millis).map(Duration::from_millis)).transpose();
    let policy = AccessPolicy {
        who: match who {
            GROUPS => Audience::Groups(groups(row, "application_groups")?),
            GroupName::EVERYBODY => Audience::Everybody,
            Audience::CLOSED => Audience::Closed,
            _ => return Err(invalid("who")),
        },
        method: RequiredMethod::parse(get(row, "application_method")?).ok_or_else(|| invalid("method"))?,
        max_age: max_age.map_err(|_| invalid("max_age_millis"))?,
    };
    Ok(Application {
        id: application_id(row)?,
        name: DisplayName::parse(get(row, "application_name")?).map_err(|_| invalid("name"))?,
        url: get(row, "application_url")?,
        logo: get(row, "application_logo")?,
        policy,
        from_file: get(row, "application_from_file")?,
        disabled_at: maybe_time(row, "application_disabled_at")?,
        created_at: time(row, "application_created_at")?,
    })
}

/// Access that the policy no longer allows.
fn lost_access(application: Option<&ApplicationId>, user: Option<UserId>, limit: u32) -> Statement<'_> {
    query(
        "select u.user_id, u.application_id from \
         (select user_id, application_id from visits \
          where ($1 is null or application_id = $1) and ($2 is null or user_id = $2) \
          union select user_id, application_id from grants \
          where ($1 is null or application_id = $1) and ($2 is null or user_id = $2)) u \
         join applications a on a.id = u.application_id where a.disabled_at is not null or a.who = 'nobody' \
         or (a.who = 'groups' and not exists (select 1 from application_groups g join group_members m \
         on m.group_name = g.group_name where g.application_id = a.id and m.user_id = u.user_id)) \
         order by 1, 2 limit $3",
    )
    .bind(application.map(ApplicationId::as_str))
    .bind(user.map(|user| user.0))
    .bind(i64::from(limit))
}

#[async_trait]
impl ApplicationReads for SqlStore {
    async fn application(&self, id: &ApplicationId) -> Result<Option<Application>, Unavailable> {
        self.one(query(ONE).bind(id.as_str())).await?.map(|row| application(&row)).transpose()
    }

    async fn applications(&self, after: Option<&ApplicationId>, limit: u32) -> Result<Vec<Application>, Unavailable> {
        let statement = query(concat!(
            "select ",
            aliased_application!(),
            " from applications a where a.id > $1 order by a.id limit $2"
        ));
        let after = after.map_or("", ApplicationId::as_str);
        self.all(statement.bind(after).bind(i64::from(limit))).await?.iter().map(application).collect()
    }

    async fn logo(&self, id: &ApplicationId, version: &str) -> Result<Option<Logo>, Unavailable> {
        let statement = query(concat!(
            "select ",
            logo_columns!("l."),
            " from application_logos l join applications a on a.id = l.application_id \
             where a.id = $1 and a.logo = $2 and a.disabled_at is null"
        ));
        let logo = |row: &DatabaseRow| {
            let kind = LogoKind::parse(get(row, "media_type")?).ok_or_else(|| invalid("media_type"))?;
            Ok(Logo::stored(kind, get(row, "content")?))
        };
        self.one(statement.bind(id.as_str()).bind(version)).await?.map(|row| logo(&row)).transpose()
    }

    async fn lost_access(
        &self,
        application: Option<&ApplicationId>,
        user: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<(UserId, ApplicationId)>, Unavailable> {
        let rows = self.all(lost_access(application, user, limit)).await?;
        rows.iter().map(|row| Ok((UserId(get(row, "user_id")?), application_id(row)?))).collect()
    }
}

#[async_trait]
impl ApplicationWrites for Transaction {
    async fn lock_applications(&mut self) -> Result<Vec<Application>, Unavailable> {
        self.all(query(Dialect::LOCK_NUMBER_WITHOUT_TIMEOUT).bind(LOCK)).await?;
        let statement = query(concat!("select ", aliased_application!(), " from applications a order by a.id"));
        self.all(statement).await?.iter().map(application).collect()
    }

    async fn add_application(&mut self, application: &Application) -> Result<Insertion, Unavailable> {
        let statement = query(concat!(
            "insert into applications (",
            application_columns!(""),
            ") values (",
            application_values!(
                id = "$1",
                name = "$2",
                url = "$3",
                logo = "$4",
                who = "$5",
                method = "$6",
                max_age_millis = "$7",
                from_file = "$8",
                disabled_at = "$9",
                created_at = "$10"
            ),
            ") on conflict (id) do nothing"
        ));
        let added = self.run(bind(statement, application).bind(application.created_at.unix_millis())).await?;
        Ok(if added == 0 { Insertion::Conflict } else { Insertion::Done })
    }

    async fn lock_application(&mut self, id: &ApplicationId) -> Result<Option<Application>, Unavailable> {
        // An update that changes nothing locks the row on either database.
        self.run(query("update applications set id = id where id = $1").bind(id.as_str())).await?;
        self.one(query(ONE).bind(id.as_str())).await?.map(|row| application(&row)).transpose()
    }

    async fn change_application(&mut self, application: &Application) -> Result<(), Unavailable> {
        let statement = query(
            "update applications set name = $2, url = $3, logo = $4, who = $5, method = $6, max_age_millis = $7, \
             from_file = $8, disabled_at = $9 where id = $1",
        );
        self.run(bind(statement, application)).await.map(drop)
    }

    async fn set_application_groups(&mut self, application: &Application) -> Result<Option<GroupName>, Unavailable> {
        let id = application.id.as_str();
        self.run(query("delete from application_groups where application_id = $1").bind(id)).await?;
        let Audience::Groups(names) = &application.policy.who else { return Ok(None) };
        for name in names {
            let statement = query(concat!(
                "insert into application_groups (",
                application_group_columns!(""),
                ") select ",
                application_group_values!(application_id = "$1", group_name = "name"),
                " from user_groups where name = $2"
            ));
            if self.run(statement.bind(id).bind(name.as_str())).await? == 0 {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }

    async fn has_lost_access(&mut self, user: UserId, id: &ApplicationId) -> Result<bool, Unavailable> {
        Ok(self.one(lost_access(Some(id), Some(user), 1)).await?.is_some())
    }

    async fn application_within(
        &mut self,
        id: &ApplicationId,
        user: UserId,
    ) -> Result<Option<(Application, BTreeSet<GroupName>)>, Unavailable> {
        self.all(query(Dialect::SHARE_APPLICATION).bind(id.as_str())).await?;
        let statement = query(concat!(
            "select ",
            aliased_application!(),
            ", (select string_agg(m.group_name, ' ') from group_members m where m.user_id = $2) as user_groups \
             from applications a where a.id = $1"
        ));
        let row = self.one(statement.bind(id.as_str()).bind(user.0)).await?;
        row.map(|row| Ok((application(&row)?, groups(&row, "user_groups")?))).transpose()
    }

    async fn lock_applications_of(&mut self, group: &GroupName) -> Result<Vec<Application>, Unavailable> {
        let statement = query("select application_id from application_groups where group_name = $1 order by 1");
        let rows = self.all(statement.bind(group.as_str())).await?;
        let mut locked = Vec::new();
        for row in &rows {
            locked.extend(self.lock_application(&application_id(row)?).await?);
        }
        Ok(locked)
    }

    async fn put_logo(&mut self, id: &ApplicationId, logo: Option<&Logo>) -> Result<(), Unavailable> {
        self.run(query("delete from application_logos where application_id = $1").bind(id.as_str())).await?;
        let Some(logo) = logo else { return Ok(()) };
        let statement = query(concat!(
            "insert into application_logos (",
            logo_columns!(""),
            ") values (",
            logo_values!(application_id = "$1", media_type = "$2", content = "$3"),
            ")"
        ));
        let statement = statement.bind(id.as_str()).bind(logo.kind().media_type()).bind(logo.content());
        self.run(statement).await.map(drop)
    }

    async fn remove_application(&mut self, id: &ApplicationId) -> Result<bool, Unavailable> {
        Ok(self.run(query("delete from applications where id = $1").bind(id.as_str())).await? == 1)
    }
}
