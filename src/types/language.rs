use serde::{Deserialize, Serialize};

/// A language of pages and emails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    #[default]
    English,
    German,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Its tag (RFC 5646), as used in pages, cookies and the database.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The name of the language in the language itself.
    #[must_use]
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// A date such as `2026-11-26` in the format of the language; any other text is unchanged.
    #[must_use]
    pub fn date(self, day: &str) -> String {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let mut parts = day.splitn(3, '-');
        let (Some(year), Some(month), Some(day_of_month)) = (parts.next(), parts.next(), parts.next()) else {
            return day.to_owned();
        };
        let day_of_month = day_of_month.trim_start_matches('0');
        let name = month.parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
        match (self, name) {
            (Self::English, Some(name)) => format!("{day_of_month} {name} {year}"),
            (Self::German, Some(_)) => format!("{day_of_month}.{}.{year}", month.trim_start_matches('0')),
            (_, None) => day.to_owned(),
        }
    }

    /// A UTC time in RFC 3339 format, to the minute, in the format of the language: `24 Nov 2026, 08:15 UTC`.
    #[must_use]
    pub fn date_and_time(self, at: &str) -> String {
        let (day, time) = at.split_once('T').unwrap_or((at, ""));
        format!("{}, {} UTC", self.date(day), time.get(..5).unwrap_or_default())
    }

    /// The writing direction, as the value of the HTML attribute `dir`.
    #[must_use]
    pub fn direction(self) -> &'static str {
        match self {
            Self::English | Self::German => "ltr",
        }
    }

    /// The inverse of [`Language::tag`]; `None` for an unknown tag.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_language() {
        for (day, english, german) in [
            ("2026-11-26", "26 Nov 2026", "26.11.2026"),
            ("2026-01-02", "2 Jan 2026", "2.1.2026"),
            ("2026-13-02", "2026-13-02", "2026-13-02"),
            ("soon", "soon", "soon"),
        ] {
            assert_eq!(
                (Language::English.date(day), Language::German.date(day)),
                (english.to_owned(), german.to_owned())
            );
        }
        let at = "2026-11-24T08:15:42.123Z";
        assert_eq!(Language::English.date_and_time(at), "24 Nov 2026, 08:15 UTC");
        assert_eq!(Language::German.date_and_time(at), "24.11.2026, 08:15 UTC");
    }
}
