//! The whole road over the ports in memory: upload, translate, aggregate, correlate, close. What
//! becomes of real usage files, of every kind of bad input, and of what changes after an invoice.
//!
//! Every step is taken twice and has to leave the same state ([`world::World::twice`]).

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod adjustments;
mod corrections;
mod edges;
mod horizon;
mod objects;
mod offers;
mod real;
mod records;
mod redrive;
mod repeats;
mod restated;
mod seals;
mod taxes;
mod waivers;
mod world;
