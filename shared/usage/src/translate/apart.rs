//! Text on its way to another thread, which translates it while this one unpacks more.
//!
//! Nothing is decided here: the other thread sees the same text in the same order, and an error is
//! the one that comes first in the object, as on one thread.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::{ObjectContext, Text, Translation};
use crate::decode::{Member, TextSink};
use crate::error::Unreadable;
use crate::limits::Limits;
use crate::pattern::Tags;
use crate::source::Source;

/// Text is handed over in pieces of this size.
const PIECE: usize = 256 << 10;
/// How many pieces may wait.
const WAITING: usize = 4;

enum Message {
    Begin {
        name: String,
        chosen: Option<(usize, Tags)>,
    },
    Text(Vec<u8>),
    End,
    /// The object ended, and all of it was sound.
    Close,
}

/// What the other thread came to; nothing where it was not told that all was sound.
type Outcome = Result<Option<Translation>, Unreadable>;

/// This side's end.
pub(super) struct Apart {
    messages: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<Outcome>>,
    piece: Vec<u8>,
}

impl Apart {
    /// Starts the other thread; `None` where the system has none to give.
    pub(super) fn start(source: &Source, context: &ObjectContext, limits: Limits) -> Option<Self> {
        let (messages, receiver) = sync_channel(WAITING);
        let (source, context) = (source.clone(), context.clone());
        let started = Builder::new()
            .name("translate".to_owned())
            .spawn(move || translate(Text::new(&source.inner, context, limits), &receiver));
        Some(Self { messages: Some(messages), thread: Some(started.ok()?), piece: Vec::new() })
    }

    fn send(&mut self, message: Message) -> Result<(), Unreadable> {
        let sent = self.messages.as_ref().is_some_and(|messages| messages.send(message).is_ok());
        // Why the other side listens no more, it says when it is asked for its outcome.
        if sent { Ok(()) } else { Err(gone()) }
    }

    fn flush(&mut self) -> Result<(), Unreadable> {
        match std::mem::take(&mut self.piece) {
            piece if piece.is_empty() => Ok(()),
            piece => self.send(Message::Text(piece)),
        }
    }

    /// What the other side came to. A panic over there goes on over here.
    fn outcome(&mut self) -> Outcome {
        self.messages = None;
        let Some(thread) = self.thread.take() else { return Err(gone()) };
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// What was wrong first: all that was handed over came before what is wrong now.
    pub(super) fn first(&mut self, now: Unreadable) -> Unreadable {
        // What goes wrong in sending is told by the outcome.
        let _gone = self.flush();
        self.outcome().err().unwrap_or(now)
    }

    /// The object ends here, and all of its text was handed over.
    pub(super) fn close(mut self) -> Result<Translation, Unreadable> {
        // What goes wrong in sending is told by the outcome.
        let _gone = self.flush().and_then(|()| self.send(Message::Close));
        self.outcome()?.ok_or_else(gone)
    }
}

impl TextSink for Apart {
    fn begin(&mut self, member: Member<'_>) -> Result<(), Unreadable> {
        self.flush()?;
        self.send(Message::Begin { name: member.name.to_owned(), chosen: member.chosen })
    }

    fn text(&mut self, mut text: &[u8]) -> Result<(), Unreadable> {
        while !text.is_empty() {
            if self.piece.capacity() == 0 {
                self.piece.reserve_exact(PIECE);
            }
            let (now, rest) = text.split_at(text.len().min(PIECE.saturating_sub(self.piece.len())));
            self.piece.extend_from_slice(now);
            text = rest;
            if self.piece.len() >= PIECE {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Unreadable> {
        self.flush()?;
        self.send(Message::End)
    }
}

fn gone() -> Unreadable {
    Unreadable::new("its translation was given up")
}

/// The other side: until it is told that all was sound, or that nothing more comes.
fn translate(mut text: Text<'_>, messages: &Receiver<Message>) -> Outcome {
    for message in messages {
        match message {
            Message::Begin { name, chosen } => text.begin(Member { name: &name, chosen })?,
            Message::Text(piece) => text.text(&piece)?,
            Message::End => text.end()?,
            Message::Close => return text.close().map(Some),
        }
    }
    Ok(None)
}
