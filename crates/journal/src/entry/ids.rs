//! The names of things: a stream, and an entry by its leaf.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

/// One process's sequence of entries, named by 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId([u8; 16]);

impl StreamId {
    /// Makes the id of its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes that are hashed.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads 32 lower-case hex digits.
    pub fn parse(hex: &str) -> Option<Self> {
        let right = hex.len() == 32
            && hex
                .bytes()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let number = u128::from_str_radix(hex, 16).ok().filter(|_| right)?;
        Some(Self(number.to_be_bytes()))
    }

    /// Returns the first eight hex digits, which name the stream's files.
    pub fn short(&self) -> String {
        let mut name = self.to_string();
        name.truncate(8);
        name
    }
}

/// 32 lower-case hex digits.
impl fmt::Display for StreamId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The hash of an entry: the leaf of its stream's tree, and the next entry's `prev`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Leaf([u8; 32]);

impl Leaf {
    /// What stands as `prev` in a stream's first entry.
    pub const ZERO: Self = Self([0; 32]);

    /// Makes the leaf of its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads standard base64 with padding, unused bits zero.
    pub fn parse(base64: &str) -> Option<Self> {
        STANDARD.decode(base64).ok()?.try_into().ok().map(Self)
    }
}

/// Standard base64 with padding.
impl fmt::Display for Leaf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
