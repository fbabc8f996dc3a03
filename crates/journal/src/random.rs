//! Random bytes as they are passed in: salts, stream ids, request ids.
//!
//! Promise: the default is a cryptographic generator seeded by the operating system.
//! Not here: key generation for signatures beyond its 32 random bytes (`journal::keys`).

use rand::Rng;

/// A source of unpredictable bytes.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}

/// The thread's cryptographic generator, seeded and reseeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}
