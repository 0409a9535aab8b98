//! The local wall clock, for log lines only.

use std::mem::MaybeUninit;

/// A moment in the local time zone, as a syslog line prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// 0 to 11.
    pub month: usize,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 60.
    pub second: u32,
}

/// Breaks seconds since 1970 down by the local time zone, as localtime_r(3).
///
/// `None` if the year does not fit its field.
#[must_use]
pub fn local_time(seconds: i64) -> Option<LocalTime> {
    let mut broken_down = MaybeUninit::<libc::tm>::uninit();
    #[expect(unsafe_code, reason = "nix has no localtime_r")]
    // SAFETY: both pointers are valid for the call: one to an argument, one to `broken_down`.
    let done = unsafe { libc::localtime_r(&raw const seconds, broken_down.as_mut_ptr()) };
    if done.is_null() {
        return None;
    }
    #[expect(unsafe_code, reason = "the answer of the call above")]
    // SAFETY: localtime_r did not return null, so it has filled in every field.
    let tm = unsafe { broken_down.assume_init() };
    Some(LocalTime {
        month: usize::try_from(tm.tm_mon).ok()?,
        day: u32::try_from(tm.tm_mday).ok()?,
        hour: u32::try_from(tm.tm_hour).ok()?,
        minute: u32::try_from(tm.tm_min).ok()?,
        second: u32::try_from(tm.tm_sec).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_later_is_the_same_time_of_day() {
        // Two January days without a change of summer time in any zone in use.
        let early = local_time(1_000_000_000 + 130 * 86_400).unwrap();
        let late = local_time(1_000_000_000 + 131 * 86_400).unwrap();
        assert_eq!(
            (early.hour, early.minute, early.second),
            (late.hour, late.minute, late.second)
        );
        assert!(early.month < 12 && (1..=31).contains(&early.day));
    }

    #[test]
    fn a_year_that_does_not_fit_is_no_time() {
        assert_eq!(local_time(i64::MAX), None);
    }
}
