//! Several sorted inputs as one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use metering::mark::Mark;

use super::cursor::Cursor;
use crate::error::LedgerError;
use crate::ports::Ports;

/// What a mark is ordered by, and which input it comes from.
type Front = Reverse<(i64, u128, Arc<str>, usize)>;

/// Inputs while they are merged.
pub(super) struct Merge<'p, P> {
    inputs: Vec<(Cursor<'p, P>, Option<Mark>)>,
    fronts: BinaryHeap<Front>,
    last: Option<(i64, u128)>,
}

impl<'p, P: Ports> Merge<'p, P> {
    pub(super) async fn of(ports: &'p P, inputs: Vec<Vec<String>>) -> Result<Self, LedgerError> {
        let inputs = inputs.into_iter().map(|objects| (Cursor::new(ports, objects), None));
        let mut merge = Self { inputs: inputs.collect(), fronts: BinaryHeap::new(), last: None };
        for place in 0..merge.inputs.len() {
            merge.advance(place).await?;
        }
        Ok(merge)
    }

    async fn advance(&mut self, place: usize) -> Result<(), LedgerError> {
        let Some((cursor, front)) = self.inputs.get_mut(place) else { return Ok(()) };
        *front = cursor.next_mark().await?;
        if let Some(mark) = front {
            self.fronts.push(Reverse((mark.day, mark.id, Arc::clone(&mark.file), place)));
        }
        Ok(())
    }

    /// The next mark, and whether it repeats the one before; none after the last.
    pub(super) async fn next_mark(&mut self) -> Result<Option<(Mark, bool)>, LedgerError> {
        let Some(Reverse((day, id, _, place))) = self.fronts.pop() else { return Ok(None) };
        let Some(mark) = self.inputs.get_mut(place).and_then(|(_, front)| front.take()) else { return Ok(None) };
        self.advance(place).await?;
        let repeats = self.last.replace((day, id)) == Some((day, id));
        Ok(Some((mark, repeats)))
    }
}
