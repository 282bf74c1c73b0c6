//! Salesforce as the source of customers: the client against a peer that follows a script, the directory that comes
//! of it, and what must not. The peer is kept honest by an independent client.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
#![expect(clippy::print_stderr, reason = "a skipped test must say so")]

mod agreed;
mod billing;
mod crashes;
mod directory;
mod documentation;
mod fees;
mod guards;
mod independent;
mod logins;
mod network;
mod presets;
mod refusals;
mod shapes;
mod slow;
mod world;
mod write_back;
