//! Moments in the forms that logs write them, as RFC 3339 in UTC.

use crate::event::calendar::{date, days_in, days_since_1970, digits, take};

/// A moment, or a date and time of which the zone is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    /// Seconds since 1970, as if in UTC.
    seconds: i64,
    nanoseconds: u32,
    has_zone: bool,
}

/// Longest result: `2026-03-04T05:06:07.123456789Z`.
pub(super) const LONGEST: usize = 30;

/// The last second of the year 9999.
const END: i64 = 253_402_300_799;

/// Writes the moment that a text says. `None` if it says none, or not in which zone and
/// `utc_unless_said` is not set.
pub(super) fn from_text(
    text: &[u8],
    utc_unless_said: bool,
    out: &mut [u8; LONGEST],
) -> Option<usize> {
    let moment = match text.iter().all(u8::is_ascii_digit) {
        true => epoch(number(text)?)?,
        false => parse(text)?,
    };
    (moment.has_zone || utc_unless_said).then(|| write(moment, out)).flatten()
}

/// Writes the moment that a number since 1970 says, in the unit that its number of digits implies.
pub(super) fn from_number(value: u64, out: &mut [u8; LONGEST]) -> Option<usize> {
    write(epoch(value)?, out)
}

/// Writes the moment that a number of seconds since 1970 says.
pub(super) fn from_seconds(value: f64, out: &mut [u8; LONGEST]) -> Option<usize> {
    // Microseconds: a float of this size has no more.
    let whole = value.floor();
    if !(1e9..1e10).contains(&whole) {
        return None;
    }
    let micros = ((value - whole) * 1e6) as u32;
    let nanoseconds = micros.min(999_999) * 1000;
    write(Moment { seconds: whole as i64, nanoseconds, has_zone: true }, out)
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970: between 2001 and 2286 they have 10,
/// 13, 16 and 19 digits, and no number can be taken for one of another unit.
fn epoch(value: u64) -> Option<Moment> {
    const SECONDS: u64 = 1_000_000_000;
    let per_second = match value {
        1_000_000_000..10_000_000_000 => 1,
        1_000_000_000_000..10_000_000_000_000 => 1_000,
        1_000_000_000_000_000..10_000_000_000_000_000 => 1_000_000,
        1_000_000_000_000_000_000..10_000_000_000_000_000_000 => SECONDS,
        _ => return None,
    };
    let nanoseconds = (value % per_second) * (SECONDS / per_second);
    Some(Moment {
        seconds: (value / per_second) as i64,
        nanoseconds: nanoseconds as u32,
        has_zone: true,
    })
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    Some(digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
}

/// `YYYY-MM-DD`, `YYYY/MM/DD` or `YYYYMMDD`, `T` or a blank, `hh:mm:ss`, a fraction, and a zone.
fn parse(text: &[u8]) -> Option<Moment> {
    let rest = &mut text.trim_ascii();
    let year = digits(rest, 4)?;
    let separator = match rest.first() {
        Some(b'-') => Some(b'-'),
        Some(b'/') => Some(b'/'),
        _ => None,
    };
    let separate = |rest: &mut &[u8]| separator.map_or(Some(()), |byte| take(rest, byte));
    separate(rest)?;
    let month = digits(rest, 2)?;
    separate(rest)?;
    let day = digits(rest, 2)?;
    take(rest, b'T').or_else(|| take(rest, b' '))?;
    let hour = digits(rest, 2)?;
    take(rest, b':')?;
    let minute = digits(rest, 2)?;
    take(rest, b':')?;
    let second = digits(rest, 2)?;
    let nanoseconds = match take(rest, b'.').or_else(|| take(rest, b',')) {
        Some(()) => fraction(rest)?,
        None => 0,
    };
    let zone = zone(rest.trim_ascii_start())?;
    let is_date =
        year >= 1 && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    // A leap second has no place in what reads the result.
    if !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let time = i64::from(hour * 3600 + minute * 60 + second);
    let seconds = days_since_1970(year, month, day) * 86_400 + time;
    Some(Moment { seconds: seconds - zone.unwrap_or(0), nanoseconds, has_zone: zone.is_some() })
}

/// The digits of a fraction, in billionths; what is beyond them is cut off.
fn fraction(rest: &mut &[u8]) -> Option<u32> {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (all, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    let known = all.iter().take(9);
    let missing = 9 - known.len() as u32;
    let value = known.fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    (count > 0).then(|| value * 10u32.pow(missing))
}

/// The seconds that a zone is ahead of UTC: `Z`, `UTC`, `GMT`, `+hh`, `+hhmm`, `+hh:mm`; `Some(None)`
/// if there is none, `None` for anything else.
fn zone(text: &[u8]) -> Option<Option<i64>> {
    match text {
        b"" => return Some(None),
        b"Z" | b"z" | b"UTC" | b"GMT" => return Some(Some(0)),
        _ => {}
    }
    let rest = &mut &text[..];
    let sign = match take(rest, b'+') {
        Some(()) => 1,
        None => take(rest, b'-').map(|()| -1)?,
    };
    let hours = digits(rest, 2)?;
    let minutes = match take(rest, b':').is_some() || !rest.is_empty() {
        true => digits(rest, 2)?,
        false => 0,
    };
    (hours < 24 && minutes < 60 && rest.is_empty())
        .then(|| Some(sign * i64::from(hours * 3600 + minutes * 60)))
}

/// Without a fraction if there is none, else with six digits, or nine if six do not say it.
fn write(moment: Moment, out: &mut [u8; LONGEST]) -> Option<usize> {
    let Moment { seconds, nanoseconds, .. } = moment;
    // Years of four digits.
    if !(-62_135_596_800..=END).contains(&seconds) {
        return None;
    }
    let (year, month, day) = date(seconds.div_euclid(86_400));
    let time = seconds.rem_euclid(86_400) as u32;
    out[..20].copy_from_slice(b"0000-00-00T00:00:00.");
    put(&mut out[..4], year);
    put(&mut out[5..7], month);
    put(&mut out[8..10], day);
    put(&mut out[11..13], time / 3600);
    put(&mut out[14..16], time / 60 % 60);
    put(&mut out[17..19], time % 60);
    let end = match nanoseconds {
        0 => 19,
        _ if nanoseconds.is_multiple_of(1000) => {
            put(&mut out[20..26], nanoseconds / 1000);
            26
        }
        _ => {
            put(&mut out[20..29], nanoseconds);
            29
        }
    };
    out[end] = b'Z';
    Some(end + 1)
}

/// Writes a number to all bytes of `out`, with zeros in front.
fn put(out: &mut [u8], mut number: u32) {
    for byte in out.iter_mut().rev() {
        *byte = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Days, NaiveDate};

    fn read(text: &str, utc: bool) -> Option<String> {
        let mut out = [0; LONGEST];
        let len = from_text(text.as_bytes(), utc, &mut out)?;
        Some(String::from_utf8(out[..len].to_vec()).unwrap())
    }

    #[test]
    fn forms_that_say_their_zone() {
        let table = [
            ("2023-04-17T06:22:08.0000000Z", "2023-04-17T06:22:08Z"),
            ("2023-04-17T06:22:08.1234560Z", "2023-04-17T06:22:08.123456Z"),
            ("2023-04-17T06:22:08.1234567Z", "2023-04-17T06:22:08.123456700Z"),
            ("2023-04-17T06:22:08.5z", "2023-04-17T06:22:08.500000Z"),
            ("2023-04-17T06:22:08.1234567899Z", "2023-04-17T06:22:08.123456789Z"),
            ("2021-06-30T16:19:00 UTC", "2021-06-30T16:19:00Z"),
            ("2020-08-05 08:49:36.123+00", "2020-08-05T08:49:36.123000Z"),
            ("2026-03-04 01:06:07 -0400", "2026-03-04T05:06:07Z"),
            ("2026-03-04T23:36:07+05:30", "2026-03-04T18:06:07Z"),
            ("2026/03/04 05:06:07 GMT", "2026-03-04T05:06:07Z"),
            ("2024-02-29T23:59:59-01:00", "2024-03-01T00:59:59Z"),
            ("1636962255474405", "2021-11-15T07:44:15.474405Z"),
            ("1636962255474", "2021-11-15T07:44:15.474000Z"),
            ("1636962255", "2021-11-15T07:44:15Z"),
            ("1636962255474405001", "2021-11-15T07:44:15.474405001Z"),
        ];
        for (text, expected) in table {
            assert_eq!(read(text, false).as_deref(), Some(expected), "{text}");
            assert_eq!(read(text, true).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn without_a_zone_only_where_it_is_known() {
        for text in ["20260304 05:06:07", "2026-03-04 05:06:07", "2026-03-04T05:06:07"] {
            assert_eq!(read(text, false), None, "{text}");
            assert_eq!(read(text, true).as_deref(), Some("2026-03-04T05:06:07Z"), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment() {
        for text in [
            "",
            " ",
            "now",
            "2026-03-04",
            "2026-13-04T05:06:07Z",
            "2026-02-29T05:06:07Z",
            "2026-03-04T24:06:07Z",
            "2026-03-04T05:06:60Z",
            "2026-03-04T05:06:07.Z",
            "2026-03-04T05:06:07+5",
            "2026-03-04T05:06:07+24:00",
            "2026-03-04T05:06:07 CEST",
            "2026-03-04T05:06:07Zx",
            "0000-03-04T05:06:07Z",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "12345",
            "163696225547440500199",
            "-1636962255",
            "2026-03/04T05:06:07Z",
        ] {
            assert_eq!(read(text, true), None, "{text}");
        }
    }

    #[test]
    fn dates_agree_with_a_calendar_library() {
        let mut day = NaiveDate::from_ymd_opt(1583, 1, 1);
        let mut checked = 0;
        while let Some(date) =
            day.filter(|date| *date < NaiveDate::from_ymd_opt(2500, 1, 1).unwrap())
        {
            let text = date.format("%Y-%m-%dT12:00:00+13:30").to_string();
            let expected = DateTime::parse_from_rfc3339(&text).unwrap().to_utc();
            let expected = expected.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            assert_eq!(read(&text, false), Some(expected), "{text}");
            day = date.checked_add_days(Days::new(7));
            checked += 1;
        }
        assert!(checked > 40_000);
    }

    #[test]
    fn seconds_with_a_fraction() {
        let mut out = [0; LONGEST];
        let len = from_seconds(1_636_962_255.25, &mut out).unwrap();
        assert_eq!(&out[..len], b"2021-11-15T07:44:15.250000Z");
        for value in [0.0, -1.0, 1e10, f64::NAN, f64::INFINITY] {
            assert_eq!(from_seconds(value, &mut out), None);
        }
        assert_eq!(from_number(u64::MAX, &mut out), None);
        assert_eq!(from_number(12, &mut out), None);
    }
}
