//! Lists of weighted preferences, as in `Accept-Language` and `Accept-Encoding` (RFC 9110, section 12.4.2).

/// One item of a list and its weight in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preference<'a> {
    pub name: &'a str,
    pub weight: u16,
}

const MOST: u16 = 1_000;

/// Parses a list. Items with an invalid weight are skipped.
pub fn preferences(list: &str) -> impl Iterator<Item = Preference<'_>> {
    list.split(',').filter_map(|item| {
        let (name, parameter) = item.split_once(';').unwrap_or((item, ""));
        let name = name.trim();
        (!name.is_empty()).then_some(Preference { name, weight: weight(parameter.trim())? })
    })
}

/// Parses `q=0.5` as 500, digit by digit, because a float parser would also accept `NaN` and `inf`.
fn weight(parameter: &str) -> Option<u16> {
    if parameter.is_empty() {
        return Some(MOST);
    }
    let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let is_fraction = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{fraction:0<3}").parse::<u16>().ok().filter(|_| is_fraction)?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(MOST),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_has_at_most_three_digits_and_is_at_most_one() {
        for (parameter, expected) in [
            ("", Some(1_000)),
            ("q=1", Some(1_000)),
            ("q=1.000", Some(1_000)),
            ("q=0.5", Some(500)),
            ("Q=0.05", Some(50)),
            ("q=0", Some(0)),
            ("q=0.", Some(0)),
            ("q=NaN", None),
            ("q=inf", None),
            ("q=-0.5", None),
            ("q=+0.5", None),
            ("q=1e9", None),
            ("q=1.001", None),
            ("q=2", None),
            ("q=0.1234", None),
            ("q=0.٣", None),
            ("q=", None),
            ("level=1", None),
        ] {
            assert_eq!(weight(parameter), expected, "{parameter}");
        }
    }

    #[test]
    fn items_without_a_name_or_a_readable_weight_are_left_out() {
        let names: Vec<_> = preferences("de;q=0.5, ,;q=1,en;q=NaN,fr").map(|wish| wish.name).collect();
        assert_eq!(names, ["de", "fr"]);
    }
}
