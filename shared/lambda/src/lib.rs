//! What the four functions share at the edge: decoding events, reading the environment, loading the
//! catalogue, and answering Lambda. Decides nothing about usage or money.

pub mod events;
