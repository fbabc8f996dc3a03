//! The call that this thread touched last: most callbacks of a span come in a row.
//!
//! Promise: a call that is found here is the live one of that id: ids of live spans are unique in a registry, and a
//! closed call is never returned.
//! Not here: where calls live (the registry's extensions).

use std::{cell::RefCell, sync::Arc};

use super::call::CallCell;

/// A layer's address, and a span's id in its registry.
pub(crate) type Key = (usize, u64);

struct Recent {
    key: Key,
    call: Arc<CallCell>,
}

thread_local! {
    static RECENT: RefCell<Option<Recent>> = const { RefCell::new(None) };
}

/// Runs `then` on the call, if it is that of `key`; else gives `then` back.
///
/// What `then` runs of the host's may come back to us: it finds nothing here, and looks in the registry.
#[inline]
pub(crate) fn with<T, F: FnOnce(&CallCell) -> T>(key: Key, then: F) -> Result<T, F> {
    let mut then = Some(then);
    // A span may be closed by a destructor of the thread's own, when this is gone.
    let found = RECENT.try_with(|recent| {
        let recent = recent.try_borrow().ok()?;
        let known = recent
            .as_ref()
            .filter(|known| known.key == key && known.call.is_open())?;
        then.take().map(|then| then(&known.call))
    });
    match (found.ok().flatten(), then) {
        (Some(done), _) => Ok(done),
        (None, Some(then)) => Err(then),
        (None, None) => unreachable!("what ran returned something"),
    }
}

/// Remembers a call, and forgets the one before.
#[inline]
pub(crate) fn put(key: Key, call: Arc<CallCell>) {
    let before = RECENT.try_with(|recent| {
        let mut recent = recent.try_borrow_mut().ok()?;
        recent.replace(Recent { key, call })
    });
    // Dropped here, where nothing is borrowed.
    drop(before);
}
