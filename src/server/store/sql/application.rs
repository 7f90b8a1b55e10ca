use super::super::dialect::Dialect;
use super::row::{DatabaseRow, application_id, get, invalid, maybe_time, millis, time};
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

/// The number of the lock that the file of applications is applied under (any number that nothing else has).
const LOCK: i64 = 0x6c6b_6170;

/// The values of the column `who`; those of groups stand in `application_groups`.
const GROUPS: &str = "groups";

/// One application, a row for each group of its policy.
const WITH_GROUPS: &str = concat!(
    "select ",
    application_columns!("a."),
    ", g.group_name from applications a left join application_groups g on g.application_id = a.id where a.id = $1"
);

/// An application and the groups of a user ($2) among those that it is open to.
const FOR_USER: &str = concat!(
    "select ",
    application_columns!("a."),
    ", g.group_name, m.user_id as member from applications a \
     left join application_groups g on g.application_id = a.id \
     left join group_members m on m.group_name = g.group_name and m.user_id = $2 where a.id = $1"
);

/// The values of an application but for its time, in the order of its columns.
fn bind<'q>(statement: Statement<'q>, application: &'q Application) -> Statement<'q> {
    let policy = &application.policy;
    let who = match &policy.who {
        Audience::Closed => Audience::CLOSED,
        Audience::Everybody => GroupName::EVERYBODY,
        Audience::Groups(_) => GROUPS,
    };
    statement
        .bind(application.id.as_str())
        .bind(application.name.as_str())
        .bind(application.url.as_deref())
        .bind(application.logo.as_deref())
        .bind(who)
        .bind(policy.method.name())
        .bind(policy.max_age.map(millis))
        .bind(application.from_file)
        .bind(application.disabled_at.map(Timestamp::unix_millis))
}

fn group(row: &DatabaseRow) -> Result<Option<GroupName>, Unavailable> {
    let name = get::<Option<&str>>(row, "group_name")?;
    name.map(|name| GroupName::parse(name).ok_or_else(|| invalid("group_name"))).transpose()
}

/// An application from the first of its rows, open to no group yet.
fn application(row: &DatabaseRow) -> Result<Application, Unavailable> {
    let who: &str = get(row, "who")?;
    let max_age: Option<i64> = get(row, "max_age_millis")?;
    let max_age = max_age.map(|millis| u64::try_from(millis).map(Duration::from_millis)).transpose();
    let policy = AccessPolicy {
        who: match who {
            GROUPS => Audience::Groups(BTreeSet::new()),
            GroupName::EVERYBODY => Audience::Everybody,
            Audience::CLOSED => Audience::Closed,
            _ => return Err(invalid("who")),
        },
        method: RequiredMethod::parse(get(row, "method")?).ok_or_else(|| invalid("method"))?,
        max_age: max_age.map_err(|_| invalid("max_age_millis"))?,
    };
    Ok(Application {
        id: ApplicationId::parse(get(row, "id")?).ok_or_else(|| invalid("id"))?,
        name: DisplayName::parse(get(row, "name")?).map_err(|_| invalid("name"))?,
        url: get(row, "url")?,
        logo: get(row, "logo")?,
        policy,
        from_file: get(row, "from_file")?,
        disabled_at: maybe_time(row, "disabled_at")?,
        created_at: time(row, "created_at")?,
    })
}

/// Applications from rows in the order of their ids, one row for each group.
pub fn applications(rows: &[DatabaseRow]) -> Result<Vec<Application>, Unavailable> {
    let mut found: Vec<Application> = Vec::new();
    for row in rows {
        let id: &str = get(row, "id")?;
        if found.last().is_none_or(|last| last.id.as_str() != id) {
            found.push(application(row)?);
        }
        if let (Some(last), Some(name)) = (found.last_mut(), group(row)?)
            && let Audience::Groups(names) = &mut last.policy.who
        {
            names.insert(name);
        }
    }
    Ok(found)
}

/// An application with the groups of a user among those that it is open to.
fn application_with_groups(rows: &[DatabaseRow]) -> Result<Option<(Application, BTreeSet<GroupName>)>, Unavailable> {
    let mut groups = BTreeSet::new();
    for row in rows {
        if get::<Option<uuid::Uuid>>(row, "member")?.is_some() {
            groups.extend(group(row)?);
        }
    }
    Ok(applications(rows)?.pop().map(|application| (application, groups)))
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
        Ok(applications(&self.all(query(WITH_GROUPS).bind(id.as_str())).await?)?.pop())
    }

    async fn applications(&self, after: Option<&ApplicationId>, limit: u32) -> Result<Vec<Application>, Unavailable> {
        let statement = query(concat!(
            "select ",
            application_columns!("a."),
            ", g.group_name from applications a left join application_groups g on g.application_id = a.id \
             where a.id in (select id from applications where id > $1 order by id limit $2) order by a.id"
        ));
        let after = after.map_or("", ApplicationId::as_str);
        applications(&self.all(statement.bind(after).bind(i64::from(limit))).await?)
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

    async fn application_for(
        &self,
        id: &ApplicationId,
        user: UserId,
    ) -> Result<Option<(Application, BTreeSet<GroupName>)>, Unavailable> {
        application_with_groups(&self.all(query(FOR_USER).bind(id.as_str()).bind(user.0)).await?)
    }
}

#[async_trait]
impl ApplicationWrites for Transaction {
    async fn lock_applications(&mut self) -> Result<Vec<Application>, Unavailable> {
        self.all(query(Dialect::LOCK_NUMBER).bind(LOCK)).await?;
        let statement = query(concat!(
            "select ",
            application_columns!("a."),
            ", g.group_name from applications a left join application_groups g on g.application_id = a.id order by a.id"
        ));
        applications(&self.all(statement).await?)
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
        let rows = self.all(query(WITH_GROUPS).bind(id.as_str())).await?;
        Ok(applications(&rows)?.pop())
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
        application_with_groups(&self.all(query(FOR_USER).bind(id.as_str()).bind(user.0)).await?)
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
