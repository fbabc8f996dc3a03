//! Which process built the audit: a forked child has its memory, and none of its threads.
//!
//! Promise: asking costs one system call and takes no lock: another thread may have held any of them at the fork.
//! Not here: what is refused in a child (`recorder`, `follower`, `audit`).

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// The process that started the threads; clones are of the same audit.
#[derive(Clone, Debug)]
pub(crate) struct Home(Arc<AtomicU32>);

impl Home {
    /// Makes the home of threads that this process starts.
    pub(crate) fn here() -> Self {
        Self(Arc::new(AtomicU32::new(std::process::id())))
    }

    /// Says whether this process is another one than that which started the threads.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.0.load(Ordering::Relaxed) != std::process::id()
    }

    /// Says what is the matter in a child, and what to do.
    pub(crate) fn explain(&self) -> String {
        format!(
            "this process (pid {}) is a fork of the one (pid {}) that opened the audit: nothing is written here; \
             build the audit after forking",
            std::process::id(),
            self.0.load(Ordering::Relaxed)
        )
    }

    /// Makes this process a child to all that asks, as a fork would: a test cannot fork.
    #[cfg(test)]
    pub(crate) fn leave(&self) {
        self.0.store(std::process::id() + 1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_told_from_its_parent() {
        let home = Home::here();
        assert!(!home.is_elsewhere());
        home.clone().leave();
        assert!(home.is_elsewhere());
        let (own, parent) = (std::process::id(), std::process::id() + 1);
        let text = home.explain();
        assert!(text.contains(&format!("this process (pid {own}) ")));
        assert!(text.contains(&format!("the one (pid {parent}) ")));
    }
}
