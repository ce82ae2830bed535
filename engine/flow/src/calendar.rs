//! iCalendar files (RFC 5545) as lists of closed times: holidays as public offices and calendar programs publish them.
//!
//! Read are the events (`VEVENT`) with `DTSTART`, `DTEND` or `DURATION`, `RRULE` of yearly rules, `RDATE`, `EXDATE`, `RECURRENCE-ID`.
//! Everything else in a file is passed over; an event that repeats otherwise is a fault, because half of it would be wrong.
//!
//! Chosen against a library: those on crates.io parse the text only (`icalendar`, `ical`) or pull a second time library in for
//! the rules (`rrule`: chrono).

use crate::limits::{CALENDAR_EVENTS, CALENDAR_LAST_YEAR, CALENDAR_OCCURRENCES};
use jiff::{
    SignedDuration, Timestamp, ToSpan as _,
    civil::{Date, DateTime, Weekday},
    tz::TimeZone,
};
use notation::{Fault, Reader, Source, Span};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Calendar files by path.
#[derive(Clone, Debug, Default)]
pub struct Calendars(BTreeMap<String, Arc<Calendar>>);

/// The closed times of one file.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Calendar {
    /// Whole days: from, and the day after the last.
    days: Vec<(Date, Date)>,
    /// Parts of days.
    parts: Vec<Part>,
}

/// From a moment on, for a while.
#[derive(Debug, PartialEq)]
struct Part {
    from: DateTime,
    /// `None`: the clock of whoever asks.
    zone: Option<TimeZone>,
    length: SignedDuration,
}

impl Calendars {
    /// Reads all sources whose path ends in `.ics`; faults have their lines.
    #[must_use]
    pub fn read(sources: &[Source]) -> (Self, Vec<Fault>) {
        let (mut found, mut faults) = (BTreeMap::new(), Vec::new());
        for source in sources.iter().filter(|source| is_calendar(&source.path)) {
            let mut reader = Reader::new(source);
            found.insert(source.path.to_string(), Arc::new(Calendar::read(source, &mut reader)));
            faults.extend(reader.into_faults());
        }
        (Self(found), faults)
    }
    /// The calendar of this path or file name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Calendar>> {
        let by_name = || self.0.iter().find(|(path, _)| path.rsplit('/').next() == Some(name)).map(|(_, calendar)| calendar);
        self.0.get(name).or_else(by_name).cloned()
    }
    /// The name under which flows name this one.
    pub(crate) fn name_of(&self, calendar: &Calendar) -> Option<String> {
        self.0.iter().find(|(_, known)| ***known == *calendar).map(|(name, _)| name.clone())
    }
    /// File names.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.0.keys().map(|path| path.rsplit('/').next().unwrap_or(path)).collect()
    }
}

/// Whether a path is a calendar's.
pub(crate) fn is_calendar(path: &str) -> bool {
    path.to_ascii_lowercase().ends_with(".ics")
}

impl Calendar {
    /// Whether the whole of this day is closed.
    pub(crate) fn has_day(&self, date: Date) -> bool {
        self.days.iter().any(|(from, to)| (*from..*to).contains(&date))
    }
    /// Whether this moment lies in an event that is only part of a day. `zone`: for events without one.
    pub(crate) fn has_moment(&self, now: Timestamp, zone: &TimeZone) -> bool {
        self.parts.iter().any(|part| {
            let zone = part.zone.as_ref().unwrap_or(zone);
            zone.to_timestamp(part.from).is_ok_and(|from| from <= now && now.duration_since(from) < part.length)
        })
    }

    fn read(source: &Source, reader: &mut Reader) -> Self {
        let mut events = Vec::new();
        let mut inside: Vec<String> = Vec::new();
        let mut event = Event::default();
        if !source.text.trim_start_matches('\u{feff}').trim_start().to_ascii_uppercase().starts_with("BEGIN:VCALENDAR") {
            reader.error("bad-calendar", Span::of(&source.text, 0, 0), "this is no iCalendar file: it does not begin with BEGIN:VCALENDAR");
            return Self::default();
        }
        for line in unfold(&source.text) {
            let Some(property) = Property::read(&line) else { continue };
            match (property.name.as_str(), property.value.to_ascii_uppercase().as_str()) {
                ("BEGIN", what) => {
                    if what == "VEVENT" {
                        event = Event { span: line.span(&source.text), ..Event::default() };
                    }
                    inside.push(what.to_owned());
                }
                ("END", what) => {
                    inside.pop();
                    if what == "VEVENT" && events.len() < CALENDAR_EVENTS {
                        events.push(std::mem::take(&mut event));
                    }
                }
                _ if inside.last().is_some_and(|inner| inner == "VEVENT") => {
                    if let Err(what) = event.take(&property) {
                        reader.error("bad-calendar", line.span(&source.text), what);
                    }
                }
                _ => {}
            }
        }
        if events.len() >= CALENDAR_EVENTS {
            reader.error("too-large", Span::of(&source.text, 0, 0), format!("a calendar has at most {CALENDAR_EVENTS} events"));
        }
        Self::of_events(&events, reader)
    }

    fn of_events(events: &[Event], reader: &mut Reader) -> Self {
        let mut found = Self::default();
        let moved: BTreeSet<(&str, Date)> = events.iter().filter_map(|event| Some((event.uid.as_str(), event.replaces?))).collect();
        for event in events.iter().filter(|event| !event.cancelled) {
            let Some(start) = &event.start else {
                reader.error("bad-calendar", event.span, "an event without DTSTART");
                continue;
            };
            let length = event.length();
            let dates = event.dates(start).into_iter().filter(|date| event.replaces.is_some() || !moved.contains(&(event.uid.as_str(), *date)));
            for date in dates {
                if found.days.len() + found.parts.len() >= CALENDAR_OCCURRENCES {
                    reader.error("too-large", event.span, format!("a calendar has at most {CALENDAR_OCCURRENCES} closed times"));
                    return found;
                }
                match (&start.time, length) {
                    (None, length) => {
                        let days = length.map_or(1, |length| (length.as_hours() / 24).max(1));
                        found.days.push((date, date.saturating_add(days.days())));
                    }
                    (Some(time), Some(length)) => {
                        let from = date.at(time.hour(), time.minute(), time.second(), 0);
                        found.parts.push(Part { from, zone: start.zone.clone(), length });
                    }
                    // An event without an end takes no time (RFC 5545 §3.6.1).
                    (Some(_), None) => {}
                }
            }
        }
        found
    }
}

/// A logical line: its text and where its first part stands.
struct Line {
    text: String,
    at: usize,
    length: usize,
}

impl Line {
    fn span(&self, text: &str) -> Span {
        Span::of(text, self.at, self.at + self.length)
    }
}

/// Joins folded lines (RFC 5545 §3.1): one that begins with a blank goes on the one before.
fn unfold(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_end_matches(['\r', '\n']);
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some(last)) => last.text.push_str(more),
            (Some(_) | None, _) => lines.push(Line { text: line.to_owned(), at, length: line.len() }),
        }
        at += raw.len();
    }
    lines
}

/// `DTSTART;TZID=Europe/London:20261225T090000`.
struct Property {
    name: String,
    zone: Option<String>,
    value: String,
}

impl Property {
    fn read(line: &Line) -> Option<Self> {
        let mut quoted = false;
        let colon = line.text.char_indices().find(|(_, c)| {
            quoted ^= *c == '"';
            *c == ':' && !quoted
        });
        let (head, value) = line.text.split_at(colon?.0);
        let mut parts = head.split(';');
        let name = parts.next()?.trim().to_ascii_uppercase();
        let zone = parts.find_map(|part| part.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case("TZID")).map(|(_, zone)| zone.trim_matches('"').to_owned()));
        Some(Self { name, zone, value: value.trim_start_matches(':').trim().to_owned() })
    }
}

/// A date, with or without a time of day.
#[derive(Clone, Debug, PartialEq)]
struct Moment {
    date: Date,
    time: Option<jiff::civil::Time>,
    zone: Option<TimeZone>,
}

impl Moment {
    /// `20261225`, `20261225T090000`, `20261225T090000Z`.
    fn read(value: &str, zone: Option<&str>) -> Result<Self, String> {
        let bad = || format!("{value:?} is no date of iCalendar");
        let (date, time) = value.split_once('T').map_or((value, None), |(date, time)| (date, Some(time)));
        let date = Date::strptime("%Y%m%d", date).map_err(|_| bad())?;
        let Some(time) = time else { return Ok(Self { date, time: None, zone: None }) };
        let (time, utc) = time.strip_suffix('Z').map_or((time, false), |time| (time, true));
        let time = jiff::civil::Time::strptime("%H%M%S", time).map_err(|_| bad())?;
        let zone = match zone {
            _ if utc => Some(TimeZone::UTC),
            Some(name) => Some(TimeZone::get(name).map_err(|_| format!("unknown time zone {name:?}: use an IANA name such as Europe/London"))?),
            None => None,
        };
        Ok(Self { date, time: Some(time), zone })
    }
    fn civil(&self) -> DateTime {
        self.date.to_datetime(self.time.unwrap_or_default())
    }
}

/// One `VEVENT`.
#[derive(Debug, Default)]
struct Event {
    span: Span,
    uid: String,
    start: Option<Moment>,
    end: Option<Moment>,
    duration: Option<SignedDuration>,
    rule: Option<Yearly>,
    more: Vec<Date>,
    except: BTreeSet<Date>,
    /// The occurrence of another event of the same UID that this one stands for.
    replaces: Option<Date>,
    cancelled: bool,
}

impl Event {
    fn take(&mut self, property: &Property) -> Result<(), String> {
        let (value, zone) = (property.value.as_str(), property.zone.as_deref());
        let dates = || value.split(',').map(|one| Moment::read(one.split('/').next().unwrap_or(one), zone).map(|moment| moment.date)).collect::<Result<Vec<_>, _>>();
        match property.name.as_str() {
            "UID" => self.uid = value.to_owned(),
            "STATUS" => self.cancelled = value.eq_ignore_ascii_case("CANCELLED"),
            "DTSTART" => self.start = Some(Moment::read(value, zone)?),
            "DTEND" => self.end = Some(Moment::read(value, zone)?),
            "DURATION" => self.duration = Some(value.parse::<SignedDuration>().or_else(|_| days_of(value).ok_or(())).map_err(|()| format!("{value:?} is no duration of iCalendar"))?),
            "RRULE" => self.rule = Some(Yearly::read(value)?),
            "RDATE" => self.more.extend(dates()?),
            "EXDATE" => self.except.extend(dates()?),
            "RECURRENCE-ID" => self.replaces = Some(Moment::read(value, zone)?.date),
            _ => {}
        }
        Ok(())
    }
    fn length(&self) -> Option<SignedDuration> {
        let start = self.start.as_ref()?;
        let by_end = self.end.as_ref().map(|end| match (&start.zone, &end.zone) {
            (Some(from), Some(to)) => match (from.to_timestamp(start.civil()), to.to_timestamp(end.civil())) {
                (Ok(from), Ok(to)) => to.duration_since(from),
                _ => SignedDuration::ZERO,
            },
            _ => end.civil().duration_since(start.civil()),
        });
        by_end.or(self.duration).filter(|length| length.is_positive())
    }
    /// The days it begins on.
    fn dates(&self, start: &Moment) -> Vec<Date> {
        let mut dates = match &self.rule {
            Some(rule) => rule.dates(start.date),
            None => vec![start.date],
        };
        dates.extend(&self.more);
        dates.retain(|date| !self.except.contains(date));
        dates
    }
}

/// `P1D`, `P2W`: what a span without hours says.
fn days_of(value: &str) -> Option<SignedDuration> {
    let body = value.strip_prefix('P')?;
    let (number, days) = body.strip_suffix('D').map(|number| (number, 1)).or_else(|| Some((body.strip_suffix('W')?, 7)))?;
    let number: i64 = number.parse().ok().filter(|number| (0..=3_660).contains(number))?;
    Some(SignedDuration::from_hours(24 * days * number))
}

/// `FREQ=YEARLY` with its parts.
#[derive(Debug, Default)]
struct Yearly {
    interval: i16,
    count: Option<usize>,
    until: Option<Date>,
    months: Vec<i8>,
    month_days: Vec<i8>,
    /// Weekdays, with `1` for the first of the month, `-1` for the last, `None` for each.
    days: Vec<(Option<i8>, Weekday)>,
}

impl Yearly {
    fn read(text: &str) -> Result<Self, String> {
        let mut rule = Self { interval: 1, ..Self::default() };
        let bad = |part: &str| format!("`{part}` of this repeat is not understood");
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').ok_or_else(|| bad(part))?;
            let numbers = |from: i8, to: i8| -> Result<Vec<i8>, String> {
                value.split(',').map(|one| one.parse::<i8>().ok().filter(|number| (from..=to).contains(number) && *number != 0).ok_or_else(|| bad(part))).collect()
            };
            match key.to_ascii_uppercase().as_str() {
                "FREQ" if value.eq_ignore_ascii_case("YEARLY") => {}
                "FREQ" => return Err(format!("only events that repeat each year are understood, not FREQ={value}: write regular closing times into `open`")),
                "INTERVAL" => rule.interval = value.parse().ok().filter(|interval| (1..=100).contains(interval)).ok_or_else(|| bad(part))?,
                "COUNT" => rule.count = Some(value.parse().map_err(|_| bad(part))?),
                "UNTIL" => rule.until = Some(Moment::read(value, None)?.date),
                "BYMONTH" => rule.months = numbers(1, 12)?,
                "BYMONTHDAY" => rule.month_days = numbers(-31, 31)?,
                "BYDAY" => rule.days = value.split(',').map(|one| weekday(one).ok_or_else(|| bad(part))).collect::<Result<_, _>>()?,
                "WKST" => {}
                _ => return Err(bad(part)),
            }
        }
        if !rule.days.is_empty() && rule.months.is_empty() {
            return Err("BYDAY of a yearly event needs BYMONTH".to_owned());
        }
        Ok(rule)
    }

    /// All days from the first on, as far as anybody looks.
    fn dates(&self, first: Date) -> Vec<Date> {
        let mut found = Vec::new();
        let mut year = first.year();
        while year <= CALENDAR_LAST_YEAR && self.count.is_none_or(|count| found.len() < count) {
            found.extend(self.of_year(year, first).into_iter().filter(|date| *date >= first && self.until.is_none_or(|until| *date <= until)));
            year += self.interval;
        }
        found.truncate(self.count.unwrap_or(usize::MAX));
        found
    }

    fn of_year(&self, year: i16, first: Date) -> Vec<Date> {
        let months = if self.months.is_empty() { vec![first.month()] } else { self.months.clone() };
        let mut found: Vec<Date> = Vec::new();
        for month in months {
            let Ok(begin) = Date::new(year, month, 1) else { continue };
            let length = begin.days_in_month();
            let month_day = |date: Date| self.month_days.iter().any(|day| *day == date.day() || *day == date.day() - length - 1);
            let is_nth = |date: Date, nth: i8| if nth > 0 { (date.day() - 1) / 7 + 1 == nth } else { -((length - date.day()) / 7 + 1) == nth };
            let weekday = |date: Date| self.days.iter().any(|(nth, day)| *day == date.weekday() && nth.is_none_or(|nth| is_nth(date, nth)));
            let wanted = |date: &Date| match (self.month_days.is_empty(), self.days.is_empty()) {
                (true, true) => date.day() == first.day(),
                (false, true) => month_day(*date),
                (true, false) => weekday(*date),
                (false, false) => month_day(*date) && weekday(*date),
            };
            found.extend((1..=length).filter_map(|day| Date::new(year, month, day).ok()).filter(wanted));
        }
        found.sort();
        found.dedup();
        found
    }
}

/// `MO`, `1MO`, `-1FR`.
fn weekday(text: &str) -> Option<(Option<i8>, Weekday)> {
    let (nth, name) = text.split_at(text.len().checked_sub(2).filter(|at| text.is_char_boundary(*at))?);
    let day = match name.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    match nth {
        "" => Some((None, day)),
        nth => nth.parse().ok().filter(|nth: &i8| (-5..=5).contains(nth) && *nth != 0).map(|nth| (Some(nth), day)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/London\r\nBEGIN:STANDARD\r\nDTSTART:19701025T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Christmas and\r\n  Boxing Day\r\nDTSTART;VALUE=DATE:20201225\r\nDTEND;VALUE=DATE:20201227\r\nRRULE:FREQ=YEARLY\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nUID:2\r\nDTSTART;VALUE=DATE:20200504\r\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=1MO\r\nEXDATE;VALUE=DATE:20270503\r\nBEGIN:VALARM\r\nTRIGGER:-PT10M\r\nDURATION:nonsense\r\nEND:VALARM\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nUID:3\r\nDTSTART;TZID=Europe/London:20261224T120000\r\nDURATION:PT6H\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nUID:4\r\nDTSTART;VALUE=DATE:20260831\r\nRRULE:FREQ=YEARLY;BYMONTH=8;BYDAY=-1MO;COUNT=2\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nUID:5\r\nDTSTART;VALUE=DATE:20261001\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID;VALUE=DATE:20281225\r\nDTSTART;VALUE=DATE:20281227\r\nEND:VEVENT\r\n\
END:VCALENDAR\r\n";

    fn read(text: &str) -> (Calendar, Vec<Fault>) {
        let source = Source::new("flows/holidays.ics", text);
        let mut reader = Reader::new(&source);
        let calendar = Calendar::read(&source, &mut reader);
        (calendar, reader.into_faults())
    }

    #[test]
    fn events_of_one_day_of_each_year_and_of_some_hours() {
        let (calendar, faults) = read(HOLIDAYS);
        assert_eq!(faults, []);
        let day = |text: &str| calendar.has_day(text.parse().unwrap());
        for (text, closed) in [
            ("2020-12-25", true),
            ("2026-12-26", true),
            ("2026-12-27", false),
            ("2019-12-25", false), // before the first
            ("2026-05-04", true),  // the first Monday of May
            ("2026-05-11", false),
            ("2027-05-03", false), // excepted
            ("2028-05-01", true),
            ("2026-08-31", true),
            ("2027-08-30", true),
            ("2028-08-28", false), // only two
            ("2026-10-01", false), // cancelled
            ("2028-12-25", false), // moved …
            ("2028-12-27", true),  // … to here
        ] {
            assert_eq!(day(text), closed, "{text}");
        }
        let london = TimeZone::get("Europe/London").unwrap();
        let moment = |text: &str| calendar.has_moment(text.parse().unwrap(), &london);
        assert!(!moment("2026-12-24T11:59:59Z") && moment("2026-12-24T12:00:00Z") && moment("2026-12-24T17:59:59Z") && !moment("2026-12-24T18:00:00Z"));
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_line() {
        let (_, faults) = read("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:2026\nRRULE:FREQ=WEEKLY;BYDAY=MO\nEND:VEVENT\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n");
        let told: Vec<_> = faults.iter().map(|fault| (fault.span.line, fault.message.as_str())).collect();
        assert_eq!(
            told,
            [
                (2, "an event without DTSTART"),
                (3, "\"2026\" is no date of iCalendar"),
                (4, "only events that repeat each year are understood, not FREQ=WEEKLY: write regular closing times into `open`"),
                (6, "an event without DTSTART"),
            ]
        );
        assert_eq!(read("hello").1.len(), 1);
    }

    #[test]
    fn spans_of_days_and_weeks_are_read_and_nothing_else() {
        let days = |days: i64| Some(SignedDuration::from_hours(24 * days));
        assert_eq!((days_of("P1D"), days_of("P2W"), days_of("P0D")), (days(1), days(14), days(0)));
        assert_eq!(["", "P", "PD", "P-1D", "P9999999W", "P1é", "P1Dé", "1D", "P1M"].map(days_of), [None; 9]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(words in proptest::collection::vec(proptest::sample::select(&["BEGIN:VCALENDAR\n", "BEGIN:VEVENT\n", "END:VEVENT\n", "DTSTART:20261225\n", "DTSTART;TZID=", "RRULE:FREQ=YEARLY;", "BYDAY=", "BYMONTH=2", "BYMONTHDAY=-31", "COUNT=99999999", "INTERVAL=", "P1D", "DURATION:P9999999W\n", ":", ";", "\n", " ", "é", "20261225T250000Z", "DTEND:99991231\n"][..]), 0..40)) {
            let (calendar, _) = read(&format!("BEGIN:VCALENDAR\n{}", words.concat()));
            let _ = calendar.has_day(Date::MAX);
            let _ = calendar.has_moment(Timestamp::MAX, &TimeZone::UTC);
        }
    }
}
