/// Whether a text is 1 to 64 characters of a-z, 0-9 and `others`, beginning with a-z or 0-9.
pub(super) fn is_slug(text: &str, others: &[u8]) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 64
        && text.bytes().next().is_some_and(is_alphanumeric)
        && text.bytes().all(|byte| is_alphanumeric(byte) || others.contains(&byte))
}
