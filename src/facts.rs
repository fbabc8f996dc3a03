//! The attributes of one span, in two allocations and not one a field.
//!
//! Promise: setting a fact never runs user code under a lock of ours, and the last value wins.
//! Not here: which field is which attribute (`semconv`, `layer`).

use crate::{
    emitter::Emitter,
    semconv::{ATTRIBUTES, Slot, ValueType},
};

/// One attribute's value, as the span gave it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FactValue<'a> {
    Text(&'a str),
    Int(i64),
    UInt(u64),
    Double(f64),
    Bool(bool),
}

#[derive(Clone, Copy)]
enum Stored {
    Text { start: u32, len: u32 },
    Int(i64),
    UInt(u64),
    Double(f64),
    Bool(bool),
}

/// The attributes of one span: texts in one buffer, so that a span costs two allocations and not one a field.
#[derive(Clone)]
pub(crate) struct Facts {
    texts: String,
    items: Vec<(Slot, Stored)>,
    /// By slot: one more than where its item is, 0 where it is not set. The caller asks for a dozen slots a span.
    places: [u8; ATTRIBUTES.len()],
    /// Who made the span, where its counts mean something else than the conventions'.
    pub(crate) emitter: Option<&'static Emitter>,
}

impl Default for Facts {
    fn default() -> Self {
        Self::with_capacity(0, 0)
    }
}

impl Facts {
    pub(crate) fn with_capacity(items: usize, text_bytes: usize) -> Self {
        Self {
            texts: String::with_capacity(text_bytes),
            items: Vec::with_capacity(items),
            places: [0; ATTRIBUTES.len()],
            emitter: None,
        }
    }

    /// Sets an attribute; the last value wins, but members are added to those that are there.
    #[inline]
    pub(crate) fn set(&mut self, slot: Slot, value: FactValue<'_>) {
        let stored = match value {
            FactValue::Text(text) if slot.attribute().value == ValueType::Members => {
                self.store_member(slot, text)
            }
            FactValue::Text(text) => self.store(text),
            FactValue::Int(int) => Stored::Int(int),
            FactValue::UInt(int) => Stored::UInt(int),
            FactValue::Double(double) => Stored::Double(double),
            FactValue::Bool(bool) => Stored::Bool(bool),
        };
        self.put(slot, stored);
    }

    #[inline]
    fn store(&mut self, text: &str) -> Stored {
        let start = self.texts.len();
        self.texts.push_str(text);
        Stored::Text {
            start: start as u32,
            len: text.len() as u32,
        }
    }

    /// Stores the members that the slot has already, and one more.
    fn store_member(&mut self, slot: Slot, member: &str) -> Stored {
        let members = match self.text(slot) {
            Some(members) => format!("{members},{member}"),
            None => return self.store(member),
        };
        self.store(&members)
    }

    /// Returns how much text is held.
    pub(crate) fn text_bytes(&self) -> usize {
        self.texts.len()
    }

    #[inline]
    fn put(&mut self, slot: Slot, stored: Stored) {
        const { assert!(ATTRIBUTES.len() < u8::MAX as usize) };
        let place = self.place(slot);
        if let Some(item) = self.items.get_mut(place) {
            item.1 = stored;
        } else {
            self.items.push((slot, stored));
            self.places[slot as usize] = self.items.len() as u8;
        }
    }

    /// Where the slot's item is; beyond all of them where it is not set.
    #[inline]
    fn place(&self, slot: Slot) -> usize {
        usize::from(self.places[slot as usize]).wrapping_sub(1)
    }

    #[inline]
    fn has(&self, slot: Slot) -> bool {
        self.places[slot as usize] != 0
    }

    /// Says whether any of these attributes is set.
    pub(crate) fn has_any(&self, slots: &[Slot]) -> bool {
        slots.iter().any(|slot| self.has(*slot))
    }

    #[inline]
    pub(crate) fn get(&self, slot: Slot) -> Option<FactValue<'_>> {
        let (_, stored) = self.items.get(self.place(slot))?;
        Some(self.value(*stored))
    }

    #[inline]
    pub(crate) fn text(&self, slot: Slot) -> Option<&str> {
        match self.get(slot) {
            Some(FactValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns a text that says something, without the space around it.
    pub(crate) fn said(&self, slot: Slot) -> Option<&str> {
        let text = self.text(slot)?;
        // Most texts neither begin nor end with anything like a space, which their bytes tell at once.
        let is_tight = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
        let bytes = text.as_bytes();
        if is_tight(bytes.first()) && is_tight(bytes.last()) {
            return Some(text);
        }
        let text = text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// All attributes, in the order in which they were first set.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (Slot, FactValue<'_>)> {
        self.items
            .iter()
            .map(|(slot, stored)| (*slot, self.value(*stored)))
    }

    /// Returns the bytes that these facts hold in memory.
    pub(crate) fn size(&self) -> usize {
        self.texts.capacity() + self.items.capacity() * size_of::<(Slot, Stored)>()
    }

    fn value(&self, stored: Stored) -> FactValue<'_> {
        match stored {
            Stored::Text { start, len } => {
                FactValue::Text(&self.texts[start as usize..(start + len) as usize])
            }
            Stored::Int(int) => FactValue::Int(int),
            Stored::UInt(int) => FactValue::UInt(int),
            Stored::Double(double) => FactValue::Double(double),
            Stored::Bool(bool) => FactValue::Bool(bool),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_fact_wins() {
        let mut facts = Facts::default();
        facts.set(Slot::RequestModel, FactValue::Text("a"));
        facts.set(Slot::RequestModel, FactValue::Text("b"));
        assert_eq!(facts.text(Slot::RequestModel), Some("b"));
        assert_eq!(facts.iter().count(), 1);
    }
}
