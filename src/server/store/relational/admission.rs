use super::unit::{audit, query_of_use};
use super::{Pools, Relational, rows, unavailable};
use crate::server::Unavailable;
use crate::server::store::{Admission, Admissions, Admitted};
use async_trait::async_trait;

#[async_trait]
impl Admissions for Relational {
    async fn admit(&self, admission: Admission<'_>) -> Result<Admitted, Unavailable> {
        let Admission { passkey, used, session, event, known, browser, previous } = admission;
        let (method, credential_id) = rows::method_columns(&session.method);
        let known = known.as_ref().map(|token| &token.0[..]);
        let query = query_of_use(Pools::ADMIT, passkey, used)
            .bind(session.id.0)
            .bind(&session.token_hash.0[..])
            .bind(method)
            .bind(credential_id)
            .bind(session.user_verified)
            .bind(session.ends_at.unix_millis())
            .bind(rows::millis(session.idle))
            .bind(session.offers_passkey)
            .bind(session.kept)
            .bind(event.id.0)
            .bind(event.kind.name())
            .bind(event.detail.as_deref())
            .bind(known)
            .bind(&browser.token_hash.0[..])
            .bind(browser.expires_at.unix_millis())
            .bind(previous.as_ref().map(|token| &token.0[..]));
        let row = self.pools.admitter.run(query).await.map_err(unavailable)?;
        let Some(row) = row else { return Ok(Admitted::Gone) };
        let user = rows::user(&row)?;
        if rows::get(&row, "is_in")? {
            audit(event);
            return Ok(Admitted::In { user, kept_name: rows::get(&row, "kept_name")? });
        }
        let is_plain = user.guarded_since.is_none() && user.disabled_at.is_none();
        Ok(if is_plain { Admitted::Refused(user) } else { Admitted::NotPlain })
    }
}
