//! Opening hours: a zone, times for days of the week and for dates, and closed dates.
//!
//! ```yaml
//! office:
//!   zone: Europe/London
//!   open:
//!     mon-thu: "09:00-17:30"
//!     fri: ["09:00-12:00", "13:00-16:00"]
//!     12-24: "09:00-12:00"               # this day of every year; a date counts more than a weekday or a holiday
//!   closed:
//!     - 2026-06-05                       # one date
//!     - 2026-12-28..2027-01-02           # from, to, both closed
//!     - 12-25..12-26                     # of every year
//!     - holidays.ics                     # all events of a calendar file beside the flows
//! ```
//!
//! Times are wall-clock times of the zone: a day with a change of clocks needs no thought. A range that ends at or before its
//! start runs past midnight and belongs to the day it began: `22:00-06:00`. The end is not included.

use crate::calendar::{Calendar, Calendars, is_calendar};
use jiff::{
    Timestamp,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use notation::{Field, Map, Need, Node, Reader, Shape, field};
use serde_json::Value as Json;
use std::sync::Arc;
use terms::UnixMs;

/// Opening hours of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Hours {
    zone: TimeZone,
    /// From Monday.
    week: [Vec<Times>; 7],
    /// Dates with times of their own.
    special: Vec<(Days, Vec<Times>)>,
    closed: Vec<Days>,
    calendars: Vec<Arc<Calendar>>,
}

/// Minutes since midnight, the end not included; an end over 1,440 lies in the next day.
type Times = (u16, u16);

/// Days of one year or of every year, first and last.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Days {
    Of(Date, Date),
    /// Month and day; a last before the first lies in the next year.
    Yearly((i8, i8), (i8, i8)),
}

impl Days {
    /// `2026-12-25`, `2026-12-25..2027-01-02`, `12-25`, `12-25..01-02`.
    fn read(text: &str) -> Option<Self> {
        let (from, to) = text.split_once("..").map_or((text, text), |(from, to)| (from.trim(), to.trim()));
        if let (Ok(from), Ok(to)) = (from.parse::<Date>(), to.parse::<Date>()) {
            return (from <= to).then_some(Self::Of(from, to));
        }
        // A leap year, so that 02-29 is a day.
        let yearly = |text: &str| format!("2024-{text}").parse::<Date>().ok().filter(|_| text.len() == 5).map(|date| (date.month(), date.day()));
        Some(Self::Yearly(yearly(from)?, yearly(to)?))
    }
    fn spelled(self) -> String {
        let yearly = |(month, day): (i8, i8)| format!("{month:02}-{day:02}");
        match self {
            Self::Of(from, to) => format!("{from}..{to}"),
            Self::Yearly(from, to) => format!("{}..{}", yearly(from), yearly(to)),
        }
    }
    fn has(self, date: Date) -> bool {
        match self {
            Self::Of(from, to) => (from..=to).contains(&date),
            Self::Yearly(from, to) => {
                let day = (date.month(), date.day());
                if from <= to { (from..=to).contains(&day) } else { day >= from || day <= to }
            }
        }
    }
}

/// Keys of opening hours.
pub const HOURS: &[Field] = &[
    field("zone", Shape::Text, Need::Required, "IANA time zone, such as Europe/London", "Europe/London"),
    field(
        "open",
        Shape::Named(&Shape::List(&Shape::Text)),
        Need::Required,
        "days (mon, mon-fri, \"mon,wed\", daily) or dates (12-24, 2026-12-24) to times or lists of times; a date counts more than a day",
        "{ mon-thu: \"09:00-17:30\", fri: [\"09:00-12:00\", \"13:00-16:00\"], 12-24: \"09:00-12:00\" }",
    ),
    field(
        "closed",
        Shape::List(&Shape::Text),
        Need::Optional,
        "dates it stays closed (2026-12-25, 12-25 of every year, 2026-12-28..2027-01-02), and calendar files beside the flows",
        "[2026-12-25, 12-26]",
    ),
];

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_MINUTES: u16 = 24 * 60;

impl Hours {
    /// Reads `zone`, `open` and `closed`; faults go to the reader. `calendars`: the files that `closed` may name.
    pub fn read(node: &Node, reader: &mut Reader, calendars: &Calendars) -> Option<Self> {
        let map = reader.fields(node, "opening hours", HOURS)?;
        let zone_node = reader.required(map, "opening hours", "zone")?;
        let zone = reader.text(zone_node)?;
        let zone = match TimeZone::get(&zone) {
            Ok(zone) => zone,
            Err(_) => {
                reader
                    .error("wrong-type", zone_node.span, format!("unknown time zone {zone:?}"))
                    .help(crate::sections::zone_help(&zone));
                TimeZone::UTC
            }
        };
        let mut hours = Self { zone, week: Default::default(), special: Vec::new(), closed: Vec::new(), calendars: Vec::new() };
        let open = reader.required(map, "opening hours", "open")?;
        hours.read_open(open, reader);
        hours.read_closed(map, reader, calendars);
        Some(hours)
    }

    fn read_open(&mut self, node: &Node, reader: &mut Reader) {
        for entry in reader.any_map(node, "days and times").map(Map::entries).unwrap_or_default() {
            let key = entry.key.text.as_str();
            let (days, special) = (days(key), Days::read(key));
            if days.is_none() && special.is_none() {
                reader
                    .error("wrong-type", entry.key.span, format!("{key:?} is no day or range of days"))
                    .help("write mon, mon-fri, sat-sun, a list such as mon,wed, or daily; or a date such as 2026-12-24 or 12-24");
                continue;
            }
            let mut times = Vec::new();
            for item in reader.list(&entry.value) {
                let Some(text) = reader.text(item) else { continue };
                match range(&text) {
                    Some(range) => times.push(range),
                    None => reader.error("wrong-type", item.span, format!("{text:?} is no range of times")).help("write \"09:00-17:30\""),
                }
            }
            for day in days.iter().flatten() {
                self.week[*day].extend(&times);
            }
            self.special.extend(special.map(|special| (special, times)));
        }
    }

    fn read_closed(&mut self, map: Map, reader: &mut Reader, calendars: &Calendars) {
        let Some(closed) = map.get("closed") else { return };
        for item in reader.list(closed) {
            let Some(text) = reader.text(item) else { continue };
            if is_calendar(&text) {
                match calendars.get(&text) {
                    Some(calendar) => self.calendars.push(calendar),
                    None => reader.unknown("missing-file", item.span, "calendar file", &text, &calendars.names()),
                }
            } else if let Some(days) = Days::read(&text) {
                self.closed.push(days);
            } else {
                reader
                    .error("wrong-type", item.span, format!("{text:?} is no date"))
                    .help("write 2026-12-25, 2026-12-24..2027-01-02, 12-25 for every year, or a calendar file such as holidays.ics");
            }
        }
    }

    /// As it could be written, so that [`Hours::read`] reads the same again; `name_of` gives a calendar's file.
    pub(crate) fn spelled(&self, name_of: impl Fn(&Calendar) -> Option<String>) -> Json {
        let times = |times: &[Times]| -> Json { times.iter().map(|range| Json::from(spell_times(*range))).collect() };
        let week = DAYS.iter().zip(&self.week).filter(|(_, open)| !open.is_empty()).map(|(day, open)| ((*day).to_owned(), times(open)));
        let special = self.special.iter().map(|(days, open)| (days.spelled(), times(open)));
        let open: serde_json::Map<String, Json> = week.chain(special).collect();
        let days = self.closed.iter().map(|days| days.spelled());
        let closed: Vec<String> = days.chain(self.calendars.iter().filter_map(|calendar| name_of(calendar))).collect();
        serde_json::json!({ "zone": self.zone.iana_name().unwrap_or("UTC"), "open": open, "closed": closed })
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
        let is_in = |date: Date, minute: u16| self.times_of(date).iter().any(|(from, to)| (*from..*to).contains(&minute));
        let open = is_in(today, minute) || today.yesterday().is_ok_and(|before| is_in(before, minute + DAY_MINUTES));
        open && !self.calendars.iter().any(|calendar| calendar.has_moment(stamp, &self.zone))
    }

    /// The times of a date: its own, none when it is closed, else those of its weekday.
    fn times_of(&self, date: Date) -> &[Times] {
        if let Some((_, times)) = self.special.iter().find(|(days, _)| days.has(date)) {
            return times;
        }
        if self.closed.iter().any(|days| days.has(date)) || self.calendars.iter().any(|calendar| calendar.has_day(date)) {
            return &[];
        }
        &self.week[index(date.weekday())]
    }
}

/// `09:00-17:30`; what ends the next day is written as it was.
fn spell_times((from, to): Times) -> String {
    let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let to = if to > DAY_MINUTES { to - DAY_MINUTES } else { to };
    format!("{}-{}", clock(from), clock(to))
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
        let hours = Hours::read(&parse(&source).unwrap(), &mut reader, &Calendars::default()).unwrap();
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
        let _ = Hours::read(&parse(&source).unwrap(), &mut reader, &Calendars::default());
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

    #[test]
    fn dates_ranges_and_days_of_every_year() {
        let shop = hours("zone: Europe/Berlin\nopen: { mon-sat: \"09:00-20:00\", 12-24: \"09:00-13:00\", 2026-11-08: [\"13:00-18:00\"] }\nclosed: [2026-08-03..2026-08-14, 12-24..12-26, 12-31..01-01]");
        for (moment, open) in [
            ("2026-08-01T10:00:00Z", true),
            ("2026-08-03T10:00:00Z", false), // the holidays of the house
            ("2026-08-14T10:00:00Z", false),
            ("2026-08-15T10:00:00Z", true),
            ("2026-12-24T10:00:00Z", true),  // half a day, though closed by the range: local 11:00
            ("2026-12-24T13:00:00Z", false), // local 14:00
            ("2026-12-26T10:00:00Z", false),
            ("2027-01-01T10:00:00Z", false), // over the turn of the year
            ("2027-12-31T10:00:00Z", false),
            ("2028-01-03T10:00:00Z", true),
            ("2026-11-08T13:00:00Z", true),  // a Sunday that is open
            ("2026-11-15T13:00:00Z", false),
        ] {
            assert_eq!(shop.open_at(at(moment)), open, "{moment}");
        }
    }

    #[test]
    fn a_calendar_file_closes_its_days_and_hours() {
        let ics = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261225\nRRULE:FREQ=YEARLY\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20261102T120000\nDTEND:20261102T130000\nEND:VEVENT\nEND:VCALENDAR\n";
        let (calendars, faults) = Calendars::read(&[Source::new("flows/holidays.ics", ics)]);
        assert_eq!(faults, []);
        let source = Source::new("h.yaml", "zone: America/New_York\nopen: { daily: \"09:00-17:00\" }\nclosed: [holidays.ics]");
        let mut reader = Reader::new(&source);
        let hours = Hours::read(&parse(&source).unwrap(), &mut reader, &calendars).unwrap();
        for (moment, open) in [
            ("2030-12-25T15:00:00Z", false),
            ("2030-12-26T15:00:00Z", true),
            ("2026-11-02T16:30:00Z", true),
            ("2026-11-02T17:30:00Z", false), // local 12:30: an event without a zone follows the hours' clock
        ] {
            assert_eq!(hours.open_at(at(moment)), open, "{moment}");
        }
        let mut reader = Reader::new(&source);
        let _ = Hours::read(&parse(&source).unwrap(), &mut reader, &Calendars::default());
        assert_eq!(reader.faults()[0].message, "unknown calendar file `holidays.ics`");
    }

    /// Zones whose clocks change by an hour, by half an hour, at midnight, and never; one that is far east.
    const ZONES: [&str; 7] = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Beirut", "Asia/Kolkata", "Pacific/Kiritimati"];

    /// Minutes of one local day at which it is open, looked at one by one on the clock that never changes.
    fn open_minutes(hours: &Hours, zone: &TimeZone, date: Date) -> usize {
        let from = date.to_zoned(zone.clone()).unwrap().timestamp();
        let to = date.tomorrow().unwrap().to_zoned(zone.clone()).unwrap().timestamp();
        let minutes = (to.as_second() - from.as_second()) / 60;
        let ms = |minute: i64| UnixMs(u64::try_from(from.as_millisecond() + minute * 60_000).unwrap());
        (0..minutes).filter(|minute| hours.open_at(ms(*minute))).count()
    }

    #[test]
    fn a_day_with_a_change_of_clocks_is_open_by_the_clock_on_the_wall() {
        let zone = TimeZone::get("Europe/London").unwrap();
        let day = |text: &str, range: &str| open_minutes(&hours(&format!("zone: Europe/London\nopen: {{ daily: \"{range}\" }}")), &zone, text.parse().unwrap());
        // 2026-03-29: 01:00 is followed by 02:00; 2026-10-25: 01:59 is followed by 01:00.
        for (date, whole, night, office) in [("2026-03-28", 1_440, 180, 510), ("2026-03-29", 1_380, 120, 510), ("2026-10-25", 1_500, 240, 510)] {
            assert_eq!(day(date, "00:00-24:00"), whole, "{date}: never closed");
            assert_eq!(day(date, "00:30-03:30"), night, "{date}: through the change");
            assert_eq!(day(date, "09:00-17:30"), office, "{date}: office hours are as long as ever");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

        /// What a clock on the wall shows decides, whatever the clocks do; and what one shift leaves, the other takes.
        #[test]
        fn hours_follow_the_clock_on_the_wall_in_every_zone(
            zone in proptest::sample::select(&ZONES[..]), from in 0u16..1_440, to in 0u16..1_440, minute in 0u64..30_000_000, near_change in proptest::bool::ANY, day in 0u64..4_000
        ) {
            let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
            let zone_of = TimeZone::get(zone).unwrap();
            // Half of the cases lie within a few hours of a change of clocks.
            let mut ms = 1_577_836_800_000 + minute * 60_000;
            if near_change && let Some(change) = zone_of.following(Timestamp::from_millisecond(i64::try_from(ms).unwrap()).unwrap()).next() {
                ms = u64::try_from(change.timestamp().as_millisecond()).unwrap() - 200 * 60_000 + (day % 400) * 60_000;
            }
            let read = |from: u16, to: u16| hours(&format!("zone: {zone}\nopen: {{ daily: \"{}-{}\" }}", clock(from), clock(to)));
            let wall = zone_of.to_datetime(Timestamp::from_millisecond(i64::try_from(ms).unwrap()).unwrap());
            let shown = u16::try_from(wall.hour()).unwrap() * 60 + u16::try_from(wall.minute()).unwrap();
            let expected = if from < to { (from..to).contains(&shown) } else { shown >= from || shown < to };
            let shift = read(from, to);
            proptest::prop_assert_eq!(shift.open_at(UnixMs(ms)), expected, "{} {}", zone, wall);
            if from != to {
                proptest::prop_assert_ne!(read(to, from).open_at(UnixMs(ms)), expected, "{} {}: the other shift", zone, wall);
            }
        }
    }
}
