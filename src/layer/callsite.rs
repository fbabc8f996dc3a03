//! What each callsite is to us, decided once: an LLM operation, a context, an error event, or nothing.
//!
//! Promise: neither `enabled` nor visiting compares a string or takes a lock: a callsite is found by the address of
//! its metadata, a field's slot by its index. A callsite that another thread is just registering is classified on the
//! spot: `tracing` asks about it before we have been told of it.
//! Not here: values (`visit`), the state of a span (`span`).

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};

use tracing_core::{Metadata, field::Field};

use crate::{
    emitter::Emitter,
    semconv::{ATTRIBUTES, Slot, ValueType},
};

/// What a callsite is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A span that becomes a record.
    Llm,
    /// A span without a record, from which calls below inherit who asked.
    Context,
    /// An event that `#[instrument(err)]` emits: one field, named `error`.
    Error,
    /// The span of the start-up self-test.
    SelfTest,
}

/// The target of the self-test's own span.
pub(crate) const SELF_TEST_TARGET: &str = "tracing_llm_audit::self_test";

/// One callsite that we want to see.
#[derive(Debug)]
pub(crate) struct Callsite {
    pub(crate) kind: Kind,
    pub(crate) metadata: &'static Metadata<'static>,
    /// By the field's index: its slot, and the type that texts are understood as there.
    slots: Box<[Option<(Slot, ValueType)>]>,
    /// By slot: whether a field has it by its canonical name.
    canonical: [bool; ATTRIBUTES.len()],
    /// How many fields we read.
    pub(crate) read: usize,
    /// Who made it, where its counts mean something else than the conventions'.
    pub(crate) emitter: Option<&'static Emitter>,
    /// The most text that a span of this callsite held, so that the next one allocates once.
    text_bytes: AtomicU32,
}

impl Callsite {
    #[inline]
    pub(crate) fn slot(&self, field: &Field) -> Option<(Slot, ValueType)> {
        self.slots.get(field.index()).copied().flatten()
    }

    /// Says whether a field shows this attribute under its canonical name.
    pub(crate) fn has_canonical(&self, slot: Slot) -> bool {
        self.canonical[slot as usize]
    }

    pub(crate) fn text_bytes(&self) -> usize {
        self.text_bytes.load(Ordering::Relaxed) as usize
    }

    /// Remembers how much text a span held; a rare long one does not make all that follow expensive.
    pub(crate) fn learn_text_bytes(&self, bytes: usize) {
        const WORTH_REMEMBERING: usize = 4096;
        if bytes > self.text_bytes() && bytes <= WORTH_REMEMBERING {
            self.text_bytes.store(bytes as u32, Ordering::Relaxed);
        }
    }
}

/// What the host says about its own names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Further field names, with the attribute that each one means.
    pub(crate) fields: BTreeMap<String, Slot>,
    /// Targets, or their prefixes, whose spans are LLM operations whatever their fields.
    pub(crate) targets: Vec<String>,
}

impl Names {
    fn slot(&self, name: &str) -> Option<Slot> {
        self.fields.get(name).copied().or_else(|| Slot::of(name))
    }

    /// Classifies a callsite: the only place where names are compared.
    fn classify(&self, metadata: &'static Metadata<'static>) -> Option<Callsite> {
        if metadata.is_event() {
            return is_error_event(metadata).then(|| Callsite {
                kind: Kind::Error,
                metadata,
                slots: Box::new([Some((Slot::ErrorMessage, ValueType::Text))]),
                canonical: [false; ATTRIBUTES.len()],
                read: 1,
                emitter: None,
                text_bytes: AtomicU32::new(0),
            });
        }
        let fields = metadata.fields();
        let slots = self.slots(metadata);
        let kind = self.kind(metadata, &slots)?;
        let named = fields
            .iter()
            .zip(&slots)
            .filter_map(|(field, slot)| slot.filter(|slot| slot.attribute().name == field.name()));
        let mut canonical = [false; ATTRIBUTES.len()];
        named.for_each(|slot| canonical[slot as usize] = true);
        let read = slots.iter().flatten().count();
        let text_bytes = AtomicU32::new(read as u32 * 16);
        let declares = |slot| slots.contains(&Some(slot));
        let emitter = Emitter::of(metadata.target(), declares);
        let typed = |slot: Slot| (slot, slot.attribute().value);
        Some(Callsite {
            kind,
            metadata,
            slots: slots.iter().map(|slot| slot.map(typed)).collect(),
            canonical,
            read,
            emitter,
            text_bytes,
        })
    }

    fn slots(&self, metadata: &Metadata<'_>) -> Box<[Option<Slot>]> {
        let fields = metadata.fields().iter();
        fields.map(|field| self.slot(field.name())).collect()
    }

    /// Says whether we want to see a callsite that nobody told us of yet.
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.is_event() {
            is_error_event(metadata)
        } else {
            self.kind(metadata, &self.slots(metadata)).is_some()
        }
    }

    fn kind(&self, metadata: &Metadata<'_>, slots: &[Option<Slot>]) -> Option<Kind> {
        let has = |wanted: &[Slot]| slots.iter().flatten().any(|slot| wanted.contains(slot));
        if metadata.target() == SELF_TEST_TARGET {
            Some(Kind::SelfTest)
        } else if has(&[Slot::OperationName, Slot::RequestModel, Slot::ProviderName])
            || self.is_ours(metadata.target())
        {
            Some(Kind::Llm)
        } else if has(&[Slot::UserId, Slot::TenantId, Slot::ConversationId]) {
            Some(Kind::Context)
        } else {
            None
        }
    }

    fn is_ours(&self, target: &str) -> bool {
        self.targets.iter().any(|ours| {
            target
                .strip_prefix(ours.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    }
}

/// A host's own `error!(error = %e, "retrying")` has a message besides, and is not how its call ended.
fn is_error_event(metadata: &Metadata<'_>) -> bool {
    let first = metadata.fields().iter().next();
    !is_other_event(metadata) && first.is_some_and(|field| field.name() == "error")
}

/// Says whether an event has another shape than one that we see: nearly all have, and cost no search.
#[inline]
fn is_other_event(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && metadata.fields().len() != 1
}

/// Slots in the first block; each further block has twice as many.
const BLOCK_SLOTS: usize = 256;
/// How far from its place a callsite may stand in a block.
const PROBES_MAX: usize = 8;

#[derive(Debug, Default)]
struct Place {
    /// The address of the metadata; 0 while it is free. Stored after the callsite.
    address: AtomicUsize,
    callsite: OnceLock<&'static Callsite>,
}

#[derive(Debug)]
struct Block {
    places: Box<[Place]>,
    next: OnceLock<Box<Block>>,
}

impl Block {
    fn new(slots: usize) -> Self {
        let places = (0..slots).map(|_| Place::default()).collect();
        Self {
            places,
            next: OnceLock::new(),
        }
    }

    #[inline]
    fn probe(&self, address: usize) -> impl Iterator<Item = &Place> {
        let (hash, mask) = (place(address), self.places.len() - 1);
        (0..PROBES_MAX).map(move |step| &self.places[(hash + step) & mask])
    }
}

/// Spreads addresses: metadata is aligned, so the low bits say nothing; the high bits of the product are well mixed.
#[inline]
fn place(address: usize) -> usize {
    ((address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize
}

/// The callsites that we want to see, by the address of their metadata.
///
/// A free place ends a search, because places are filled in order and never freed.
#[derive(Debug)]
pub(crate) struct Callsites {
    names: Names,
    first: Block,
    inserting: Mutex<()>,
    /// Addresses of spans' metadata that we do not want to see, each at one place: a later one takes its place.
    others: Box<[AtomicUsize]>,
}

/// Places for callsites that we do not want to see; one that lost its place is classified again.
const OTHERS_SLOTS: usize = 1024;

impl Callsites {
    pub(crate) fn new(names: Names) -> Self {
        Self {
            names,
            first: Block::new(BLOCK_SLOTS),
            inserting: Mutex::new(()),
            others: (0..OTHERS_SLOTS).map(|_| AtomicUsize::new(0)).collect(),
        }
    }

    /// Says whether we want to see a span or event, whether or not its callsite is registered yet.
    ///
    /// While one thread registers a callsite, `tracing` lets the others ask each filter; a `false` then would lose the
    /// first concurrent spans of a callsite.
    #[inline]
    pub(crate) fn is_wanted(&self, metadata: &Metadata<'_>) -> bool {
        if is_other_event(metadata) {
            return false;
        }
        self.find(metadata).is_some() || self.is_wanted_unregistered(metadata)
    }

    #[inline]
    fn is_wanted_unregistered(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.is_event() {
            return is_error_event(metadata);
        }
        let address = std::ptr::from_ref(metadata).addr();
        let other = &self.others[place(address) & (OTHERS_SLOTS - 1)];
        if other.load(Ordering::Relaxed) == address {
            return false;
        }
        let wanted = self.names.wants(metadata);
        if !wanted {
            other.store(address, Ordering::Relaxed);
        }
        wanted
    }

    /// Finds a callsite, and registers it where that was not done yet.
    #[inline]
    pub(crate) fn find_or_register(
        &self,
        metadata: &'static Metadata<'static>,
    ) -> Option<&'static Callsite> {
        self.find(metadata).or_else(|| {
            self.register(metadata)?;
            self.find(metadata)
        })
    }

    /// Finds a callsite that [`Callsites::register`] kept.
    #[inline]
    pub(crate) fn find(&self, metadata: &Metadata<'_>) -> Option<&'static Callsite> {
        self.find_at(std::ptr::from_ref(metadata).addr())
    }

    #[inline]
    fn find_at(&self, address: usize) -> Option<&'static Callsite> {
        let mut block = &self.first;
        loop {
            for place in block.probe(address) {
                match place.address.load(Ordering::Acquire) {
                    0 => return None,
                    found if found == address => return place.callsite.get().copied(),
                    _ => {}
                }
            }
            block = block.next.get()?;
        }
    }

    /// Classifies a callsite and keeps it if we want to see it; says which.
    pub(crate) fn register(&self, metadata: &'static Metadata<'static>) -> Option<Kind> {
        if let Some(known) = self.find(metadata) {
            return Some(known.kind);
        }
        let callsite = self.names.classify(metadata)?;
        let kind = callsite.kind;
        let _one = self
            .inserting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.find(metadata).is_none() {
            // As long-lived as the metadata that it describes, and one for each of those.
            let callsite = Box::leak(Box::new(callsite));
            self.insert(std::ptr::from_ref(metadata).addr(), callsite);
        }
        Some(kind)
    }

    fn insert(&self, address: usize, callsite: &'static Callsite) {
        let mut block = &self.first;
        loop {
            let free = |place: &&Place| place.address.load(Ordering::Relaxed) == 0;
            if let Some(place) = block.probe(address).find(free) {
                let _ = place.callsite.set(callsite);
                place.address.store(address, Ordering::Release);
                return;
            }
            let slots = block.places.len() * 2;
            block = block.next.get_or_init(|| Box::new(Block::new(slots)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_callsite_of_many_and_no_other() {
        let table = Callsites::new(Names::default());
        let callsite: &'static Callsite = Box::leak(Box::new(Callsite {
            kind: Kind::Llm,
            metadata: &crate::layer::tests::METADATA,
            slots: Box::default(),
            canonical: [false; ATTRIBUTES.len()],
            read: 0,
            emitter: None,
            text_bytes: AtomicU32::new(0),
        }));
        for at in 1..4000_usize {
            table.insert(at * 16, callsite);
        }
        for at in 1..4000_usize {
            assert!(table.find_at(at * 16).is_some());
            assert!(table.find_at(at * 16 + 8).is_none());
        }
    }

    #[test]
    fn a_target_matches_whole_path_segments() {
        let names = Names {
            targets: vec!["app::llm".into()],
            ..Names::default()
        };
        assert!(names.is_ours("app::llm"));
        assert!(names.is_ours("app::llm::chat"));
        assert!(!names.is_ours("app::llmx"));
    }
}
