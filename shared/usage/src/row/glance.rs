//! The cells of a row that holds no quotes, found together with its end.

use wide::u8x16;

use super::{Dialect, Row};
use crate::scan::{Extent, Glance, block};

/// The row that `text` begins with, in a dialect that is written as most are, and where its cells
/// lie; `None` where that takes a closer look: quotes, the last row of a text, a row without a byte.
pub(crate) fn glance(text: &[u8], dialect: Dialect, cells: &mut Vec<Extent>) -> Option<Glance> {
    let splat = u8x16::splat;
    let (delimiter, line_end) = (splat(dialect.delimiter), splat(b'\n'));
    let quote = dialect.quote.map_or(line_end, splat);
    cells.clear();
    let (mut at, mut start, mut all) = (0, 0, splat(0));
    loop {
        let bytes = u8x16::new(*block(text, at)?);
        all |= bytes;
        let found = bytes.simd_eq(delimiter) | bytes.simd_eq(line_end) | bytes.simd_eq(quote);
        let mut found = found.to_bitmask();
        while found != 0 {
            let end = at + usize::try_from(found.trailing_zeros()).ok()?;
            found &= found - 1;
            match text.get(end)? {
                b'\n' => return finish(text, start, end, all, cells),
                byte if *byte == dialect.delimiter => cells.push(Extent { start, end }),
                _ => return None,
            }
            start = end + 1;
        }
        at += 16;
    }
}

/// The row ends at `end`.
fn finish(text: &[u8], start: usize, end: usize, all: u8x16, cells: &mut Vec<Extent>) -> Option<Glance> {
    let before = end.checked_sub(1)?;
    let length = if text.get(before) == Some(&b'\r') { before } else { end };
    cells.push(Extent { start: start.min(length), end: length });
    let id = u64::try_from(cells.len()).ok()?;
    (length > 0).then_some(Glance { id, length, ascii: all.to_bitmask() == 0 })
}

impl Row {
    /// Takes in a row that was glanced at.
    pub(crate) fn fill(&mut self, cells: &[Extent]) {
        self.clear();
        cells.iter().for_each(|cell| self.push(Some((cell.start, cell.end))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What a glance says is what reading in full says.
        #[test]
        fn a_glance_finds_the_cells(row in "([a-cé]{0,9}[,;\"\r]){0,8}[a-c,]{0,20}\r?", quoted in any::<bool>()) {
            let dialect = Dialect::usual(b',', quoted.then_some(b'"'));
            let text = format!("{row}\nmore,of,the,same,text\n");
            let mut cells = Vec::new();
            let Some(found) = glance(text.as_bytes(), dialect, &mut cells) else {
                prop_assert!(row.trim_end_matches('\r').is_empty() || (quoted && row.contains('"')), "{row:?}");
                return Ok(());
            };
            let record = row.strip_suffix('\r').unwrap_or(&row);
            prop_assert_eq!(found.length, record.len());
            prop_assert!(!found.ascii || record.is_ascii());
            let (mut filled, mut read) = (Row::default(), Row::default());
            filled.fill(&cells);
            read.read(record, dialect).map_err(TestCaseError::fail)?;
            let texts = |row: &Row| -> Vec<Option<String>> {
                (0..row.width()).map(|cell| row.cell(record, cell).map(str::to_owned)).collect()
            };
            prop_assert_eq!(texts(&filled), texts(&read));
        }
    }
}
