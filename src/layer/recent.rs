//! The call that this thread touched last: most callbacks of a span come in a row.
//!
//! Promise: a call that is found here is the live one of that id: ids of live spans are unique in a registry, and a
//! closed call is never returned.
//! Not here: where calls live (the registry's extensions).

use std::{cell::Cell, sync::Arc};

use super::call::CallCell;

/// A layer's address, and a span's id in its registry.
pub(crate) type Key = (usize, u64);

thread_local! {
    static RECENT: Cell<Option<(Key, Arc<CallCell>)>> = const { Cell::new(None) };
}

/// Takes the call out, if it is that of `key`: what runs meanwhile on this thread does not find it.
#[inline]
pub(crate) fn take(key: Key) -> Option<Arc<CallCell>> {
    // A span may be closed by a destructor of the thread's own, when this is gone.
    let (known, cell) = RECENT.try_with(Cell::take).ok().flatten()?;
    (known == key && cell.is_open()).then_some(cell)
}

/// Puts a call in.
#[inline]
pub(crate) fn put(key: Key, cell: Arc<CallCell>) {
    let _ = RECENT.try_with(|recent| recent.set(Some((key, cell))));
}
