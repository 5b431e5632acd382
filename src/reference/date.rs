//! Parts of a date, as written: nothing is converted between zones.

use chrono::{Datelike, FixedOffset, NaiveDate, NaiveTime};
use regex::Regex;
use std::sync::LazyLock;

/// What a time modifier extracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `minute`, 0 to 59.
    Minute,
    /// `hour`, 0 to 23.
    Hour,
    /// `day` of the month, from 1.
    Day,
    /// `week` of ISO 8601, from 1.
    Week,
    /// `month`, from 1.
    Month,
    /// `year`.
    Year,
}

impl Part {
    /// The modifier of that name.
    pub fn from_modifier(name: &str) -> Option<Part> {
        Some(match name {
            "minute" => Part::Minute,
            "hour" => Part::Hour,
            "day" => Part::Day,
            "week" => Part::Week,
            "month" => Part::Month,
            "year" => Part::Year,
            _ => return None,
        })
    }

    /// This part of a text that is a date, or a date and time; `None` if it is neither, or has
    /// no such part.
    pub fn of(self, text: &[u8]) -> Option<i128> {
        static FORMAT: LazyLock<Regex> = LazyLock::new(|| {
            let date = "(?<year>[0-9]{4})-(?<month>[0-9]{2})-(?<day>[0-9]{2})";
            let time = r"(?<hour>[0-9]{2}):(?<minute>[0-9]{2})(:(?<second>[0-9]{2})(\.[0-9]+)?)?";
            let zone = "(Z|[+-](?<zone_hour>[0-9]{2}):?(?<zone_minute>[0-9]{2}))?";
            Regex::new(&format!(r"\A{date}([T ]{time}{zone})?\z")).expect("a valid regex")
        });
        let parts = FORMAT.captures(std::str::from_utf8(text).ok()?)?;
        let number = |name: &str| -> Option<u32> { parts.name(name)?.as_str().parse().ok() };
        let date = NaiveDate::from_ymd_opt(
            i32::try_from(number("year")?).ok()?,
            number("month")?,
            number("day")?,
        )?;
        if let (Some(hour), Some(minute)) = (number("hour"), number("minute")) {
            NaiveTime::from_hms_opt(hour, minute, number("second").unwrap_or(0))?;
        }
        if let (Some(hour), Some(minute)) = (number("zone_hour"), number("zone_minute")) {
            let seconds =
                NaiveTime::from_hms_opt(hour, minute, 0).map(|_| hour * 3600 + minute * 60)?;
            FixedOffset::east_opt(i32::try_from(seconds).ok()?)?;
        }
        Some(match self {
            Part::Minute => number("minute")?.into(),
            Part::Hour => number("hour")?.into(),
            Part::Day => date.day().into(),
            Part::Week => date.iso_week().week().into(),
            Part::Month => date.month().into(),
            Part::Year => date.year().into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> [Option<i128>; 6] {
        [Part::Year, Part::Month, Part::Week, Part::Day, Part::Hour, Part::Minute]
            .map(|part| part.of(text.as_bytes()))
    }

    #[test]
    fn dates_are_read_as_written() {
        let all = [2024, 7, 28, 10, 12, 34].map(Some);
        for text in [
            "2024-07-10T12:34",
            "2024-07-10 12:34",
            "2024-07-10T12:34:56",
            "2024-07-10T12:34:56.789123456789",
            "2024-07-10T12:34:56Z",
            "2024-07-10T12:34Z",
            "2024-07-10 12:34:56.1+02:00",
            "2024-07-10 12:34:56-11:30",
            "2024-07-10 12:34:56+0200",
            "2024-07-10 12:34:56-0200",
        ] {
            assert_eq!(parts(text), all, "{text}");
        }
        let date = [Some(2024), Some(12), Some(1), Some(30), None, None];
        assert_eq!(parts("2024-12-30"), date);
        assert_eq!(parts("2024-02-29")[3], Some(29));
        assert_eq!(Part::Week.of(b"2021-01-03"), Some(53));
    }

    #[test]
    fn anything_else_is_no_date() {
        for text in [
            "",
            "2024",
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-7-10",
            "24-07-10",
            "02024-07-10",
            " 2024-07-10",
            "2024-07-10 ",
            "2024-07-10\n",
            "2024-07-10T",
            "2024-07-10T12",
            "2024-07-10T24:00",
            "2024-07-10T12:60",
            "2024-07-10T12:34:60",
            "2024-07-10T12:34:56.",
            "2024-07-10T12:34:56,5",
            "2024-07-10t12:34",
            "2024-07-10  12:34",
            "2024-07-10T12:34z",
            "2024-07-10T12:34+24:00",
            "2024-07-10T12:34+02:60",
            "2024-07-10T12:34+02",
            "2024-07-10T12:34 UTC",
            "2024-07-10Z",
            "2024/07/10",
            "1720614896",
            "٢٠٢٤-07-10",
        ] {
            assert_eq!(parts(text), [None; 6], "{text}");
        }
    }
}
