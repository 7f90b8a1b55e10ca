use super::*;
use crate::server::secret::Secret;
use crate::server::secret::SystemEntropy;

const START: Timestamp = Timestamp::from_unix_millis(1_795_000_000_000);
const DAY: Duration = Duration::from_hours(24);
const ALGORITHM: Algorithm = Algorithm::EdDsa;

fn keys() -> Keys {
    Keys::new(&Secret::new("a secret key of thirty-two bytes".to_owned()), None)
}

fn stored(signs_from: Timestamp) -> StoredKey {
    let keys = keys();
    let sealer = Sealer { keys: &keys, entropy: &SystemEntropy };
    let pkcs8 = SigningKey::generate(ALGORITHM).unwrap();
    StoredKey::new(&pkcs8, ALGORITHM, KeyTimes { created_at: START, signs_from }, sealer).unwrap()
}

fn set(stored: &[StoredKey]) -> KeySet {
    KeySet::open(stored, PermanentKey(Secret::new([7; 32])), &keys()).unwrap()
}

#[test]
fn the_first_key_signs_at_once_and_its_successor_is_published_a_day_ahead() {
    assert_eq!(due_key_start(ALGORITHM, &[], START), Some(START));
    let first = stored(START);
    assert_eq!(due_key_start(ALGORITHM, std::slice::from_ref(&first), START.plus(28 * DAY)), None);
    let at = START.plus(29 * DAY);
    assert_eq!(due_key_start(ALGORITHM, std::slice::from_ref(&first), at), Some(START.plus(30 * DAY)));
    // Even after a long downtime, the successor is published for a day before it signs.
    let late = START.plus(90 * DAY);
    assert_eq!(due_key_start(ALGORITHM, std::slice::from_ref(&first), late), Some(late.plus(DAY)));
    let all = [first, stored(START.plus(30 * DAY))];
    assert_eq!(due_key_start(ALGORITHM, &all, at), None);
}

#[test]
fn one_key_signs_at_a_time_and_retired_keys_stay_published_for_a_day() {
    let all = [stored(START), stored(START.plus(30 * DAY))];
    let set = set(&all);
    let signer = |at: Timestamp| set.signer(ALGORITHM, at).map(|key| key.public().id());
    let published = |at: Timestamp| set.published(at).map(PublicKey::id).collect::<Vec<_>>();
    assert_eq!(signer(START.minus(Duration::from_millis(1))), None);
    assert_eq!(signer(START.plus(29 * DAY)), Some(all[0].id.clone()));
    assert_eq!(signer(START.plus(30 * DAY)), Some(all[1].id.clone()));
    assert_eq!(published(START.plus(29 * DAY)).len(), 2);
    assert_eq!(published(START.plus(31 * DAY)).len(), 2);
    assert_eq!(published(START.plus(32 * DAY)), [all[1].id.clone()]);
    assert_eq!(set.hint_keys(START.plus(429 * DAY)).len(), 2);
    assert_eq!(set.hint_keys(START.plus(431 * DAY)).len(), 1);
    let phases = |at: Timestamp| [phase(&all[0], &all, at), phase(&all[1], &all, at)];
    assert_eq!(phases(START.plus(29 * DAY)), [Phase::Current, Phase::Next]);
    assert_eq!(phases(START.plus(30 * DAY)), [Phase::Previous, Phase::Current]);
    assert_eq!(phases(START.plus(32 * DAY)), [Phase::Retired, Phase::Current]);
}

#[test]
fn a_revoked_key_signs_and_verifies_nothing_and_is_replaced_at_once() {
    let revoked = StoredKey { revoked_at: Some(START), ..stored(START) };
    let all = [revoked];
    assert_eq!(due_key_start(ALGORITHM, &all, START.plus(DAY)), Some(START.plus(DAY)));
    let set = set(&all);
    assert!(set.signer(ALGORITHM, START).is_none());
    assert_eq!((set.published(START).count(), set.hint_keys(START).len()), (0, 0));
    assert!(has_obsolete_private_key(&all[0], &all, START) && !is_removable(&all[0], &all, START.plus(DAY)));
    assert!(is_removable(&all[0], &all, START.plus(400 * DAY)));
}

#[test]
fn a_key_opens_only_with_its_secret_key_and_can_be_resealed() {
    let key = stored(START);
    let other = Keys::new(&Secret::new("another secret key of many bytes".to_owned()), None);
    let refused = key.open(&other).unwrap_err().to_string();
    assert!(refused.contains("SECRET_KEY"), "{refused}");
    let first = Secret::new("a secret key of thirty-two bytes".to_owned());
    let both = Keys::new(&Secret::new("another secret key of many bytes".to_owned()), Some(&first));
    let sealer = Sealer { keys: &both, entropy: &SystemEntropy };
    let private = key.resealed(sealer).unwrap();
    let resealed = StoredKey { private, ..key.clone() };
    assert_eq!(resealed.open(&other).unwrap().unwrap().public(), &key.public);
    assert_eq!(resealed.resealed(sealer).unwrap(), None);
}
