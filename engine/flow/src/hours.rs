//! Opening hours: a zone, times for days of the week, and closed dates.
//!
//! ```yaml
//! office:
//!   zone: Europe/London
//!   open: { mon-thu: "09:00-17:30", fri: ["09:00-12:00", "13:00-16:00"] }
//!   closed: [2026-12-25, "12-26"]        # one date, or a day of every year
//! ```
//!
//! Times are wall-clock times of the zone: a day with a change of clocks needs no thought. A range that ends at or before its
//! start runs past midnight: `22:00-06:00`. The end is not included.

use jiff::{
    Timestamp,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use notation::{Node, Reader};
use terms::UnixMs;

/// Opening hours of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Hours {
    zone: TimeZone,
    /// From Monday: ranges of minutes since midnight; an end over 1,440 lies in the next day.
    week: [Vec<(u16, u16)>; 7],
    closed: Vec<Date>,
    /// Month and day of every year.
    yearly: Vec<(i8, i8)>,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_MINUTES: u16 = 24 * 60;

impl Hours {
    /// Reads `zone`, `open` and `closed`; faults go to the reader.
    pub fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let map = reader.map(node, "opening hours", &["zone", "open", "closed"])?;
        let zone_node = reader.required(map, "opening hours", "zone")?;
        let zone = reader.text(zone_node)?;
        let zone = match TimeZone::get(&zone) {
            Ok(zone) => zone,
            Err(_) => {
                reader
                    .error("wrong-type", zone_node.span, format!("unknown time zone {zone:?}"))
                    .help("use an IANA name such as Europe/London or America/New_York");
                TimeZone::UTC
            }
        };
        let mut hours = Self { zone, week: Default::default(), closed: Vec::new(), yearly: Vec::new() };
        let open = reader.required(map, "opening hours", "open")?;
        for entry in reader.any_map(open, "days and times").map(notation::Map::entries).unwrap_or_default() {
            let Some(days) = days(&entry.key.text) else {
                reader
                    .error("wrong-type", entry.key.span, format!("{:?} is no day or range of days", entry.key.text))
                    .help("write mon, mon-fri, sat-sun, a list such as mon,wed, or daily");
                continue;
            };
            for item in reader.list(&entry.value) {
                let Some(text) = reader.text(item) else { continue };
                match range(&text) {
                    Some(range) => days.iter().for_each(|day| hours.week[*day].push(range)),
                    None => reader.error("wrong-type", item.span, format!("{text:?} is no range of times")).help("write \"09:00-17:30\""),
                }
            }
        }
        if let Some(closed) = map.get("closed") {
            for item in reader.list(closed) {
                let Some(text) = reader.text(item) else { continue };
                if let Ok(date) = text.parse::<Date>() {
                    hours.closed.push(date);
                } else if let Ok(date) = format!("2024-{text}").parse::<Date>() {
                    hours.yearly.push((date.month(), date.day()));
                } else {
                    reader.error("wrong-type", item.span, format!("{text:?} is no date")).help("write 2026-12-25, or 12-25 for every year");
                }
            }
        }
        Some(hours)
    }

    /// Whether it is open at this moment.
    #[must_use]
    pub fn open_at(&self, now: UnixMs) -> bool {
        let Ok(stamp) = i64::try_from(now.0).map_err(|_| ()).and_then(|ms| Timestamp::from_millisecond(ms).map_err(|_| ())) else {
            return false;
        };
        let local = self.zone.to_datetime(stamp);
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0);
        let today = local.date();
        let is_in = |date: Date, minute: u16| {
            !self.is_closed(date) && self.week[index(date.weekday())].iter().any(|(from, to)| (*from..*to).contains(&minute))
        };
        is_in(today, minute) || today.yesterday().is_ok_and(|before| is_in(before, minute + DAY_MINUTES))
    }

    fn is_closed(&self, date: Date) -> bool {
        self.closed.contains(&date) || self.yearly.contains(&(date.month(), date.day()))
    }
}

fn index(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or(0).min(6)
}

/// `mon`, `mon-fri`, `sat-mon` (over the end of the week), `mon,wed`, `daily`.
fn days(text: &str) -> Option<Vec<usize>> {
    let day = |name: &str| {
        let name = name.trim().to_ascii_lowercase();
        DAYS.iter().position(|day| name.len() >= 3 && (*day == name || full(day).starts_with(name.as_str())))
    };
    if text == "daily" {
        return Some((0..7).collect());
    }
    let mut found = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            None => found.push(day(part)?),
            Some((from, to)) => {
                let (from, to) = (day(from)?, day(to)?);
                let length = (to + 7 - from) % 7;
                found.extend((0..=length).map(|step| (from + step) % 7));
            }
        }
    }
    Some(found)
}

fn full(day: &str) -> &'static str {
    match day {
        "mon" => "monday",
        "tue" => "tuesday",
        "wed" => "wednesday",
        "thu" => "thursday",
        "fri" => "friday",
        "sat" => "saturday",
        _ => "sunday",
    }
}

/// `09:00-17:30` as minutes.
fn range(text: &str) -> Option<(u16, u16)> {
    let minutes = |time: &str| {
        let (hour, minute) = time.trim().split_once(':')?;
        let digits = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(hour) || minute.len() != 2 || !digits(minute) {
            return None;
        }
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (minute < 60 && (hour < 24 || (hour == 24 && minute == 0))).then_some(hour * 60 + minute)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minutes(from)?, minutes(to)?);
    (from < DAY_MINUTES).then_some((from, if to <= from { to + DAY_MINUTES } else { to }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use notation::{Source, parse};

    fn hours(text: &str) -> Hours {
        let source = Source::new("hours.yaml", text);
        let mut reader = Reader::new(&source);
        let hours = Hours::read(&parse(&source).unwrap(), &mut reader).unwrap();
        assert!(reader.faults().is_empty(), "{:?}", reader.faults());
        hours
    }
    fn at(text: &str) -> UnixMs {
        UnixMs(u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap())
    }

    #[test]
    fn an_office_opens_by_its_own_clock_also_across_a_change_of_clocks() {
        let office = hours("zone: Europe/London\nopen: { mon-thu: \"09:00-17:30\", fri: [\"09:00-12:00\", \"13:00-16:00\"] }\nclosed: [2026-12-25, 12-28]");
        for (moment, open) in [
            ("2026-11-02T09:00:00Z", true),   // Monday, winter: UTC is local
            ("2026-11-02T08:59:59Z", false),
            ("2026-11-02T17:30:00Z", false),  // the end is not included
            ("2026-10-23T08:00:00Z", true),   // Friday before the change: local 09:00
            ("2026-10-26T08:00:00Z", false),  // Monday after it: local 08:00
            ("2026-11-06T12:30:00Z", false),  // lunch on Friday
            ("2026-11-07T10:00:00Z", false),  // Saturday
            ("2026-12-25T10:00:00Z", false),  // that date
            ("2027-12-28T10:00:00Z", false),  // a day of every year
        ] {
            assert_eq!(office.open_at(at(moment)), open, "{moment}");
        }
    }

    #[test]
    fn a_night_shift_runs_past_midnight_and_belongs_to_the_day_it_began() {
        let night = hours("zone: UTC\nopen: { fri-sat: \"22:00-06:00\" }\nclosed: [2026-11-07]");
        assert!(night.open_at(at("2026-11-06T23:00:00Z")), "Friday night");
        assert!(night.open_at(at("2026-11-07T05:59:00Z")), "its morning, though Saturday is closed");
        assert!(!night.open_at(at("2026-11-07T22:30:00Z")), "Saturday is closed");
        assert!(!night.open_at(at("2026-11-08T01:00:00Z")), "and its morning too");
    }

    #[test]
    fn nonsense_is_named_with_its_place() {
        let source = Source::new("h.yaml", "zone: Mars/Base\nopen: { someday: \"1-2\", mon: \"25:00-26:00\" }\nclosed: [tomorrow]");
        let mut reader = Reader::new(&source);
        let _ = Hours::read(&parse(&source).unwrap(), &mut reader);
        let told: Vec<_> = reader.faults().iter().map(|fault| (fault.span.line, fault.span.column, fault.message.as_str())).collect();
        assert_eq!(
            told,
            [
                (1, 7, "unknown time zone \"Mars/Base\""),
                (2, 9, "\"someday\" is no day or range of days"),
                (2, 30, "\"25:00-26:00\" is no range of times"),
                (3, 10, "\"tomorrow\" is no date"),
            ]
        );
    }
}
