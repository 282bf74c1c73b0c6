//! Bare deflate, as zip holds it, with the checksum and the sizes that zip wants.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{Give, PIECE, difference, length};
use crate::error::Unreadable;

/// What passed through a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    pub(super) crc: u32,
}

/// A push decoder for the body of a member, stored or deflated.
pub(super) struct Body {
    inflate: Option<Box<Decompress>>,
    out: Vec<u8>,
    crc: Crc,
    passed: Passed,
    ended: bool,
}

impl Body {
    pub(super) fn stored() -> Self {
        Self { inflate: None, out: Vec::new(), crc: Crc::new(), passed: Passed::default(), ended: false }
    }

    pub(super) fn deflated() -> Self {
        Self { inflate: Some(Box::new(Decompress::new(false))), out: vec![0; PIECE], ..Self::stored() }
    }

    /// What has passed.
    pub(super) fn passed(&self) -> Passed {
        Passed { crc: self.crc.sum(), ..self.passed }
    }

    /// Whether the bytes are stored as they are.
    pub(super) fn is_stored(&self) -> bool {
        self.inflate.is_none()
    }

    /// Whether deflate has said that it ends.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Takes bytes up to the end of the deflated data; returns how many.
    pub(super) fn push(&mut self, bytes: &[u8], give: &mut Give<'_>) -> Result<usize, Unreadable> {
        let Some(inflate) = &mut self.inflate else {
            self.passed.packed = self.passed.packed.saturating_add(length(bytes));
            self.passed.unpacked = self.passed.packed;
            self.crc.update(bytes);
            return give(bytes).map(|()| bytes.len());
        };
        let start = inflate.total_in();
        while !self.ended {
            let (taken, given) = (inflate.total_in(), inflate.total_out());
            let left = bytes.get(difference(taken, start)..).unwrap_or_default();
            let status = inflate.decompress(left, &mut self.out, FlushDecompress::None).map_err(|_| damaged())?;
            let made = self.out.get(..difference(inflate.total_out(), given)).unwrap_or_default();
            self.crc.update(made);
            give(made)?;
            self.ended = status == Status::StreamEnd;
            let used = difference(inflate.total_in(), taken);
            // A full output may hide more.
            if used == left.len() && made.len() < self.out.len() {
                break;
            }
            if used == 0 && made.is_empty() && !self.ended {
                return Err(damaged());
            }
        }
        (self.passed.packed, self.passed.unpacked) = (inflate.total_in(), inflate.total_out());
        Ok(difference(inflate.total_in(), start))
    }
}

fn damaged() -> Unreadable {
    Unreadable::new("its deflated data is damaged; upload the object again")
}
