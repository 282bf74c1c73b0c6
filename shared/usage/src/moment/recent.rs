//! Times come in runs: what the last one said is not read again.

use metering::time::Instant;

use crate::scan::same;

/// The minute of an RFC 3339 time: `2026-02-01T13:45`.
const MINUTE: usize = 16;

/// The latest time, and the minute that it lies in.
#[derive(Debug, Default)]
pub(crate) struct LastTime {
    text: String,
    at: Instant,
    minute: Option<Minute>,
}

/// A minute with an offset from UTC, as a record wrote it.
#[derive(Debug)]
struct Minute {
    begins: [u8; MINUTE],
    /// Where the offset stands in the latest text; behind the seconds.
    offset: usize,
    /// Whether that is `Z`.
    is_utc: bool,
    start: i64,
}

/// The parts of an RFC 3339 time that names its offset.
struct Parts<'t> {
    minute: &'t [u8; MINUTE],
    milliseconds: i64,
    offset: &'t [u8],
}

impl LastTime {
    /// What `anew` says of the text. It is asked only where that is not known from the last one:
    /// where `rfc3339`, which says that all texts are in that form, another second of a minute is.
    pub(super) fn read<E>(
        &mut self,
        text: &str,
        rfc3339: bool,
        anew: impl FnOnce(&str) -> Result<Instant, E>,
    ) -> Result<Instant, E> {
        if let Some(at) = self.known(text.as_bytes()) {
            return Ok(at);
        }
        // What is not read must not be known afterwards.
        self.text.clear();
        self.minute = None;
        self.at = anew(text)?;
        self.text.push_str(text);
        self.minute = parts(text.as_bytes()).filter(|_| rfc3339).map(|parts| Minute {
            begins: *parts.minute,
            offset: text.len() - parts.offset.len(),
            is_utc: parts.offset == b"Z",
            start: self.at.0 - parts.milliseconds,
        });
        Ok(self.at)
    }

    /// What the text says, if that is known from the last one.
    #[inline]
    pub(crate) fn known(&self, text: &[u8]) -> Option<Instant> {
        match &self.minute {
            Some(minute) if text.first_chunk() == Some(&minute.begins) => self.same_minute(minute, text),
            _ => (self.text.as_bytes() == text && !text.is_empty()).then_some(self.at),
        }
    }

    /// Another time of the same minute. Seconds are added to any minute alike: no offset has any of
    /// its own, and what bounds the times that are accepted are whole minutes.
    #[inline]
    fn same_minute(&self, minute: &Minute, text: &[u8]) -> Option<Instant> {
        if let Some(milliseconds) = usual(text).filter(|_| minute.is_utc) {
            return Some(Instant(minute.start + milliseconds));
        }
        let parts = parts(text)?;
        let offset = self.text.as_bytes().get(minute.offset..)?;
        let same = parts.offset.len() == offset.len() && same(parts.offset, offset);
        same.then(|| Instant(minute.start + parts.milliseconds))
    }
}

/// The milliseconds behind the minute of a text that ends like `:07.123Z`, all at once.
#[inline]
fn usual(text: &[u8]) -> Option<i64> {
    let (_, rest) = text.split_first_chunk::<MINUTE>()?;
    let rest = u64::from_le_bytes(<[u8; 8]>::try_from(rest).ok()?);
    // The first byte lowest: noughts where the signs stand, and the digits.
    let values = rest ^ u64::from_le_bytes(*b":00.000Z");
    // Added to what is more than it may be, it sets the highest bit.
    let excess = values.wrapping_add(u64::from_le_bytes([0x7f, 0x7a, 0x76, 0x7f, 0x76, 0x76, 0x76, 0x7f]));
    if (values | excess) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let digit = |place: u32| (values >> (8 * place)) & 0xf;
    let milliseconds = digit(1) * 10_000 + digit(2) * 1_000 + digit(4) * 100 + digit(5) * 10 + digit(6);
    i64::try_from(milliseconds).ok()
}

/// The parts of `2026-02-01T13:45:07.123Z`, if it looks like that. A leap second does not, nor does
/// a time without offset, whose zone may change within any minute.
#[inline]
fn parts(text: &[u8]) -> Option<Parts<'_>> {
    let (minute, rest) = text.split_first_chunk::<MINUTE>()?;
    // The end of a day has no further seconds.
    if minute.ends_with(b"24:00") {
        return None;
    }
    let [b':', tens @ b'0'..=b'5', ones @ b'0'..=b'9', rest @ ..] = rest else { return None };
    let seconds = (digit(*tens) * 10 + digit(*ones)) * 1_000;
    let (milliseconds, offset) = match rest {
        [b'.', a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] => {
            (digit(*a) * 100 + digit(*b) * 10 + digit(*c), behind_digits(rest))
        }
        [b'.', a @ b'0'..=b'9', b @ b'0'..=b'9', rest @ ..] => (digit(*a) * 100 + digit(*b) * 10, rest),
        [b'.', a @ b'0'..=b'9', rest @ ..] => (digit(*a) * 100, rest),
        [b'.', ..] => return None,
        rest => (0, rest),
    };
    (!offset.is_empty()).then_some(Parts { minute, milliseconds: seconds + milliseconds, offset })
}

fn digit(byte: u8) -> i64 {
    i64::from(byte - b'0')
}

/// What is finer than a millisecond is cut off.
fn behind_digits(text: &[u8]) -> &[u8] {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.get(length..).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::panic, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::moment::Nanos;
    use crate::moment::format::{Reading, TimeFormat};

    /// Times without an offset are an hour later here.
    fn read(format: &TimeFormat, text: &str) -> Result<Instant, String> {
        match format.read(text.trim()).map_err(|misread| misread.0)? {
            Reading::At(at) => at.instant(),
            Reading::Local(local) => Nanos::of(&(local - chrono::TimeDelta::hours(1)).and_utc()).instant(),
        }
    }

    /// Reads all with one memory and each with none.
    fn assert_alike(texts: &[String]) {
        for (format, is_end) in
            [("rfc3339", false), ("rfc3339", true), ("epoch-s", false), ("%Y-%m-%dT%H:%M:%S%.f%:z", false)]
        {
            let compiled = TimeFormat::compile(format, is_end);
            let Ok(compiled) = compiled else { panic!("{format}") };
            let mut last = LastTime::default();
            for text in texts {
                let known = last.read(text, compiled.is_rfc3339(), |text| read(&compiled, text));
                assert_eq!(known, read(&compiled, text), "{format} {text}");
            }
        }
    }

    #[test]
    fn the_same_minute_is_not_the_same_time() {
        let texts = [
            "2026-03-29T02:30:00Z",
            "2026-03-29T02:30:59.9999Z",
            "2026-03-29T02:30:60Z",
            "2026-03-29T02:30:01+01:00",
            "2026-03-29T02:30:02+01:00",
            "2026-03-29T02:30:03",
            "2026-03-29T02:30:03.",
            "2026-03-29T02:30:03.Z",
            "2026-03-29T02:30:0Z",
            "2026-03-29T02:30:07Z ",
            "2026-03-29T02:30:08Z ",
            " 2026-03-29T02:30:08Z ",
            "2026-03-29T02:30:08Zx",
            "2026-03-29T02:30:09Zx",
            "2026-03-29T02:30:71Z",
            "2026-03-29T24:00:00Z",
            "2026-03-29T24:00:01Z",
            "",
            "",
            "1989-12-31T23:59:59Z",
            "1989-12-31T23:59:58Z",
            "1990-01-01T00:00:00Z",
            "1990-01-01T00:00:01.5Z",
        ];
        assert_alike(&texts.map(str::to_owned));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn earlier_times_change_nothing(
            texts in prop::collection::vec("(2026-03-29|2026-10-25)[T ](0[12]|24):[0-1]0:[0-6][0-9]([.,][0-9]{0,5})?(Z|z|\\+01:00|-0130|)( )?", 1..30),
        ) {
            assert_alike(&texts);
        }
    }
}
