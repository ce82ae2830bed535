//! Opening hours: a zone, times for days of the week, and closed dates.

/// Opening hours.
#[derive(Clone, Debug, PartialEq)]
pub struct Hours {
    pub(crate) zone: jiff::tz::TimeZone,
}
