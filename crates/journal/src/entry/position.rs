//! Where an entry is in its stream.

use super::{
    ids::{Leaf, StreamId},
    kind::Kind,
};

/// Where an entry stands in its stream: the envelope without commitments and salts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The stream.
    pub stream: StreamId,
    /// The entry's number among the stream's durable entries, from 0, no holes.
    pub seq: u64,
    /// The record's number in the order of acceptance, from 1; own kinds repeat the greatest so far.
    pub acc: u64,
    /// What the entry says.
    pub kind: Kind,
    /// UTC days since 1970-01-01: the file's day.
    pub day: u32,
    /// The leaf of the entry before; [`Leaf::ZERO`] for the first.
    pub prev: Leaf,
}
