//! The cells of a row that holds no quotes, found together with its end.

use wide::{i8x16, u8x16};

use super::{Dialect, Row};
use crate::scan::{Extent, Glance, Stops};

/// The row that `text` begins with, in a dialect that is written as most are, and where its cells
/// lie; `None` where that takes a closer look: quotes, the last row of a text, a row without a byte or
/// with more cells than there is room for. Its `id` is the number of its cells.
#[inline]
pub(crate) fn glance(text: &[u8], dialect: Dialect, cells: &mut [Extent]) -> Option<Glance> {
    let splat = u8x16::splat;
    let (delimiter, line_end) = (splat(dialect.delimiter), splat(b'\n'));
    let quote = dialect.quote.map_or(line_end, splat);
    let more_than_ascii = |bytes: u8x16| bytes.cast_signed().simd_lt(i8x16::splat(0)).cast_unsigned();
    let mut stops = Stops::new(text, |bytes: u8x16| {
        bytes.simd_eq(delimiter) | bytes.simd_eq(line_end) | bytes.simd_eq(quote) | more_than_ascii(bytes)
    });
    let (mut at, mut start, mut ascii, mut free) = (0, 0, true, cells.iter_mut().zip(1..));
    loop {
        let end = stops.next(at)?;
        at = end + 1;
        match text.get(end)? {
            byte if *byte == dialect.delimiter => {
                *free.next()?.0 = Extent { start, end };
                start = at;
            }
            b'\n' => {
                let (last, id) = free.next()?;
                let length = end - usize::from(text.get(..end).is_some_and(|row| row.ends_with(b"\r")));
                *last = Extent { start: start.min(length), end: length };
                return (length > 0).then_some(Glance { id, length, ascii });
            }
            0x80.. => ascii = false,
            _ => return None,
        }
    }
}

impl Row {
    /// Takes in a row that was glanced at.
    pub(crate) fn fill(&mut self, cells: &[Extent]) {
        self.clear();
        cells.iter().for_each(|cell| self.push(Some((cell.start, cell.end))));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What a glance says is what reading in full says.
        #[test]
        fn a_glance_finds_the_cells(row in "([a-cé]{0,9}[,;\"\r]){0,8}[a-c,]{0,20}\r?", quoted in any::<bool>()) {
            let dialect = Dialect::usual(b',', quoted.then_some(b'"'));
            let text = format!("{row}\nmore,of,the,same,text\n");
            let mut cells = vec![Extent::default(); 20];
            let Some(found) = glance(text.as_bytes(), dialect, &mut cells) else {
                prop_assert!(row.trim_end_matches('\r').is_empty() || (quoted && row.contains('"')), "{row:?}");
                return Ok(());
            };
            let record = row.strip_suffix('\r').unwrap_or(&row);
            prop_assert_eq!(found.length, record.len());
            prop_assert!(!found.ascii || record.is_ascii());
            let (mut filled, mut read) = (Row::default(), Row::default());
            filled.fill(&cells[..usize::try_from(found.id).unwrap()]);
            read.read(record, dialect).map_err(TestCaseError::fail)?;
            let texts = |row: &Row| -> Vec<Option<String>> {
                (0..row.width()).map(|cell| row.cell(record, cell).map(str::to_owned)).collect()
            };
            prop_assert_eq!(texts(&filled), texts(&read));
        }
    }
}
