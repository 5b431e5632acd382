//! Parts of dates: `YYYY-MM-DD`, perhaps with a time, a fraction and a zone, as written. No zone
//! is converted.

use crate::event::calendar::{days_in, digits, is_leap, take};
use crate::ruleset::tables::time_part;

/// A date as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Date {
    year: u32,
    month: u32,
    day: u32,
    time: Option<(u32, u32)>,
}

/// The part of the date that `text` is; `None` if it is not a date or lacks the part.
pub fn part(text: &[u8], part: u32) -> Option<u32> {
    let date = parse(text)?;
    match part {
        time_part::MINUTE => date.time.map(|t| t.1),
        time_part::HOUR => date.time.map(|t| t.0),
        time_part::DAY => Some(date.day),
        time_part::WEEK => Some(iso_week(date)),
        time_part::MONTH => Some(date.month),
        time_part::YEAR => Some(date.year),
        _ => None,
    }
}

fn parse(text: &[u8]) -> Option<Date> {
    let rest = &mut &text[..];
    let year = digits(rest, 4)?;
    take(rest, b'-')?;
    let month = digits(rest, 2)?;
    take(rest, b'-')?;
    let day = digits(rest, 2)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    let mut date = Date { year, month, day, time: None };
    if rest.is_empty() {
        return Some(date);
    }
    take(rest, b'T').or_else(|| take(rest, b' '))?;
    let hour = digits(rest, 2)?;
    take(rest, b':')?;
    let minute = digits(rest, 2)?;
    let mut second = 0;
    if take(rest, b':').is_some() {
        second = digits(rest, 2)?;
        if take(rest, b'.').is_some() {
            let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if count == 0 {
                return None;
            }
            *rest = &rest[count..];
        }
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    date.time = Some((hour, minute));
    zone(rest).then_some(date)
}

/// Nothing, `Z`, `+hh:mm` or `+hhmm`.
fn zone(rest: &mut &[u8]) -> bool {
    if rest.is_empty() || *rest == b"Z" {
        return true;
    }
    let offset = |rest: &mut &[u8]| {
        take(rest, b'+').or_else(|| take(rest, b'-'))?;
        let hours = digits(rest, 2)?;
        let _ = take(rest, b':');
        let minutes = digits(rest, 2)?;
        (hours < 24 && minutes < 60 && rest.is_empty()).then_some(())
    };
    offset(rest).is_some()
}

/// Day of the week of 1 January, Monday 0.
fn first_weekday(year: u32) -> u32 {
    let before = year.wrapping_sub(1) as i64;
    let before = if year == 0 { -1 } else { before };
    let days =
        before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    days.rem_euclid(7) as u32
}

fn weeks_in(year: u32) -> u32 {
    let first = first_weekday(year);
    if first == 3 || (first == 2 && is_leap(year)) { 53 } else { 52 }
}

fn iso_week(date: Date) -> u32 {
    let ordinal: u32 =
        (1..date.month).map(|month| days_in(date.year, month)).sum::<u32>() + date.day;
    let weekday = (first_weekday(date.year) + ordinal - 1) % 7;
    // The week of a date is that of its Thursday.
    let week = (ordinal + 9 - weekday) / 7;
    match week {
        0 if date.year == 0 => 52,
        0 => weeks_in(date.year - 1),
        week if week > weeks_in(date.year) => 1,
        week => week,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, Days, NaiveDate};

    #[test]
    fn weeks_agree_with_a_calendar_library() {
        let mut day = NaiveDate::from_ymd_opt(1899, 12, 20);
        let mut checked = 0;
        while let Some(date) = day.filter(|date| date.year() < 2101) {
            let text = date.format("%Y-%m-%d").to_string();
            let week = part(text.as_bytes(), time_part::WEEK);
            assert_eq!(week, Some(date.iso_week().week()), "{text}");
            day = date.checked_add_days(Days::new(1));
            checked += 1;
        }
        assert!(checked > 73_000);
    }

    #[test]
    fn forms() {
        for text in [
            "2024-07-10T12:34:56Z",
            "2024-07-10 12:34:56",
            "2024-07-10T12:34:56.789123Z",
            "2024-07-10T12:34+02:00",
            "2024-07-10T12:34:00-0330",
        ] {
            assert_eq!(part(text.as_bytes(), time_part::HOUR), Some(12), "{text}");
            assert_eq!(part(text.as_bytes(), time_part::MINUTE), Some(34), "{text}");
        }
        assert_eq!(part(b"2024-07-10", time_part::HOUR), None);
        assert_eq!(part(b"2024-07-10", time_part::DAY), Some(10));
        for text in
            ["", "2024-02-30", "2024-7-10", "2024-07-10T25:00", "2024-07-10T12:34:56.", "12:34"]
        {
            assert_eq!(part(text.as_bytes(), time_part::DAY), None, "{text}");
        }
    }
}
