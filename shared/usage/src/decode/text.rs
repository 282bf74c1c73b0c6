//! From bytes that are no longer packed to UTF-8.
//!
//! A byte order mark decides. What cannot be read becomes a byte that UTF-8 does not have, so that
//! the record that holds it is rejected and the others are not.

use encoding_rs::{DecoderResult, Encoding};

use super::{PIECE, TextSink, magic};
use crate::error::Unreadable;

/// A byte that stands nowhere in UTF-8.
const INVALID: &[u8] = b"\xff";

/// A text in some encoding.
pub(super) enum Text {
    /// Passed on as it is.
    Utf8,
    Coded(Box<Coded>),
}

/// A text that has to be turned into UTF-8.
pub(super) struct Coded {
    decoder: encoding_rs::Decoder,
    out: Vec<u8>,
}

impl Text {
    /// The text that begins with `first`, and that is in the encoding `declared` unless a byte order
    /// mark says otherwise.
    pub(super) fn new(first: &[u8], declared: Option<&'static Encoding>) -> Result<Self, Unreadable> {
        if matches!(first, [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..]) {
            return Err(Unreadable::new("it is UTF-32 text, which is not read; write it as UTF-8"));
        }
        let marked = Encoding::for_bom(first).map(|(encoding, _)| encoding);
        if marked.is_none() {
            magic::refuse_binary(first)?;
        }
        match marked.or(declared) {
            None => Ok(Self::Utf8),
            Some(encoding) if encoding == encoding_rs::UTF_8 => Ok(Self::Utf8),
            Some(encoding) => Ok(Self::Coded(Box::new(Coded {
                decoder: encoding.new_decoder_with_bom_removal(),
                out: vec![0; PIECE],
            }))),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut dyn TextSink) -> Result<(), Unreadable> {
        match self {
            Self::Utf8 => sink.text(bytes),
            Self::Coded(coded) => coded.decode(bytes, false, sink),
        }
    }

    pub(super) fn finish(&mut self, sink: &mut dyn TextSink) -> Result<(), Unreadable> {
        match self {
            Self::Utf8 => Ok(()),
            Self::Coded(coded) => coded.decode(&[], true, sink),
        }
    }
}

impl Coded {
    fn decode(&mut self, mut bytes: &[u8], last: bool, sink: &mut dyn TextSink) -> Result<(), Unreadable> {
        loop {
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.out, last);
            bytes = bytes.get(read..).unwrap_or_default();
            sink.text(self.out.get(..written).unwrap_or_default())?;
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => sink.text(INVALID)?,
            }
        }
    }
}
