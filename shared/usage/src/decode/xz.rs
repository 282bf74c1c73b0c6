//! xz, every stream, in pieces.

use liblzma::stream::{Action, CONCATENATED, Error, Status, Stream};

use super::{Give, PIECE, Unpack, difference};
use crate::error::Unreadable;

/// What unpacking may hold in memory: enough for `xz -9`, whose window is 64 MiB.
const MEMORY: u64 = 72 << 20;

/// A push decoder for xz.
pub(super) struct Xz {
    raw: Stream,
    out: Vec<u8>,
}

impl Xz {
    pub(super) fn new() -> Result<Self, Unreadable> {
        let raw = Stream::new_stream_decoder(MEMORY, CONCATENATED).map_err(failure)?;
        Ok(Self { raw, out: vec![0; PIECE] })
    }

    fn run(&mut self, mut bytes: &[u8], action: Action, give: &mut Give<'_>) -> Result<(), Unreadable> {
        loop {
            let (taken, given) = (self.raw.total_in(), self.raw.total_out());
            let status = self.raw.process(bytes, &mut self.out, action).map_err(failure)?;
            let used = difference(self.raw.total_in(), taken);
            let made = difference(self.raw.total_out(), given);
            bytes = bytes.get(used..).unwrap_or_default();
            give(self.out.get(..made).unwrap_or_default())?;
            let is_drained = bytes.is_empty() && made < self.out.len();
            match (status, action) {
                (Status::StreamEnd, _) => return Ok(()),
                (_, Action::Run) if is_drained => return Ok(()),
                (Status::MemNeeded, _) => return Err(truncated()),
                (_, Action::Run) if used == 0 && made == 0 => return Err(failure(Error::Data)),
                _ => {}
            }
        }
    }
}

impl Unpack for Xz {
    fn push(&mut self, bytes: &[u8], give: &mut Give<'_>) -> Result<(), Unreadable> {
        if bytes.is_empty() { Ok(()) } else { self.run(bytes, Action::Run, give) }
    }

    fn finish(&mut self, give: &mut Give<'_>) -> Result<(), Unreadable> {
        self.run(&[], Action::Finish, give)
    }
}

fn truncated() -> Unreadable {
    Unreadable::new("the xz data ends in the middle of a stream: it is truncated; upload it again")
}

fn failure(error: Error) -> Unreadable {
    Unreadable::new(match error {
        Error::MemLimit | Error::Mem => {
            "the xz data asks for a window above 64 MiB; pack it with `xz -9` or less".to_owned()
        }
        Error::Format => {
            "something that is not xz follows after the xz data: it was damaged or is two files in one".to_owned()
        }
        Error::Options => {
            "the xz data uses a filter or a check that is not known; pack it with `xz` and no options".to_owned()
        }
        _ => "the xz data is damaged or does not match its checksum; upload it again".to_owned(),
    })
}
