//! How far a long check is, on a terminal.
//!
//! Promise: written to standard error only, only where that is a terminal, and gone in the end.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use super::text;

/// Often enough to show that something happens.
const EVERY: Duration = Duration::from_millis(200);

/// Bytes read, of how many.
pub(super) struct Progress {
    total: u64,
    /// When it is shown next; none where nothing watches.
    next: Option<Instant>,
    is_shown: bool,
}

impl Progress {
    pub(super) fn new(total: u64) -> Self {
        let next = io::stderr().is_terminal().then(|| Instant::now() + EVERY);
        Self {
            total,
            next,
            is_shown: false,
        }
    }

    /// Shows how far the check is, unless it was shown a moment ago.
    pub(super) fn at(&mut self, bytes: u64) {
        let Some(next) = &mut self.next else { return };
        let now = Instant::now();
        if now < *next {
            return;
        }
        *next = now + EVERY;
        self.is_shown = true;
        let (bytes, total) = (text::size(bytes), text::size(self.total));
        // A terminal that went away is no reason to stop.
        let _ = write!(io::stderr(), "\rchecking: {bytes} of {total}\x1b[K");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
