//! The stream of a flavour that has none.
//!
//! Promise: no event is taken for one of it, and events that came nevertheless leave an empty reading.

use super::{EventReader, object::Object, reading::Reading};

struct NoEvents;

/// No event is of this flavour.
pub(super) fn is_event(_name: &[u8], _event: &Object<'_>) -> bool {
    false
}

/// Makes the reader that reads nothing.
pub(super) fn stream(_with_output: bool) -> Box<dyn EventReader> {
    Box::new(NoEvents)
}

impl EventReader for NoEvents {
    fn event(&mut self, _name: &[u8], _data: &[u8]) {}

    fn finish(self: Box<Self>, is_whole: bool) -> Reading<'static> {
        Reading {
            is_complete: is_whole,
            ..Reading::default()
        }
    }
}
