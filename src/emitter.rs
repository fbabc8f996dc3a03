//! Libraries whose spans count otherwise than the conventions say, known by the target of their callsites.
//!
//! Promise: a library is in here only for versions whose source was read, and told apart from later ones by a field
//! that these declare; whoever is not in here means what the conventions mean.
//! Not here: correcting the counts (`judge`).

use crate::semconv::Slot;

/// One library's spans, and the providers for whom it copies counts that are not inclusive.
#[derive(Debug)]
pub(crate) struct Emitter {
    /// Its target, or a module above its targets.
    target: &'static str,
    /// A field that versions whose counts are inclusive declare; `None` where there is no such version yet.
    lacks: Option<Slot>,
    /// By the conventions' name of the provider.
    counts: &'static [(&'static str, Counts)],
}

/// What an emitter's counts leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counts {
    /// The input count stands beside those of cache reads and writes, and does not include them.
    InputBesideCache,
    /// The output count stands beside that of thinking, and does not include it.
    OutputBesideThinking,
}

/// All that is known, with the versions that were read.
static EMITTERS: [Emitter; 3] = [
    // rig-core 0.36 to 0.42. Since 0.43 its counts are inclusive for all providers.
    Emitter {
        target: "rig::completions",
        lacks: Some(Slot::ProviderRequestId),
        counts: RIG_BEFORE_0_43,
    },
    // The same, where an agent runs the call.
    Emitter {
        target: "rig::agent_chat",
        lacks: Some(Slot::ProviderRequestId),
        counts: RIG_BEFORE_0_43,
    },
    // genai 0.7.2. For Anthropic, Gemini and the others it adds up itself.
    Emitter {
        target: "genai::otel",
        lacks: None,
        counts: &[("aws.bedrock", Counts::InputBesideCache)],
    },
];

const RIG_BEFORE_0_43: &[(&str, Counts)] = &[
    ("anthropic", Counts::InputBesideCache),
    ("gcp.gemini", Counts::OutputBesideThinking),
];

impl Emitter {
    /// Finds the emitter of a callsite by its target and the attributes that it declares.
    pub(crate) fn of(target: &str, declares: impl Fn(Slot) -> bool) -> Option<&'static Self> {
        EMITTERS
            .iter()
            .find(|emitter| emitter.is_at(target) && !emitter.lacks.is_some_and(&declares))
    }

    fn is_at(&self, target: &str) -> bool {
        target
            .strip_prefix(self.target)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }

    /// Says what the counts of a provider's calls leave out.
    pub(crate) fn counts(&self, provider: &str) -> Option<Counts> {
        let known = self.counts.iter().find(|(name, _)| *name == provider);
        known.map(|(_, counts)| *counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart_by_what_they_declare() {
        let old = Emitter::of("rig::completions", |_| false).expect("known");
        assert_eq!(old.counts("anthropic"), Some(Counts::InputBesideCache));
        assert_eq!(old.counts("gcp.gemini"), Some(Counts::OutputBesideThinking));
        assert_eq!(old.counts("openai"), None);
        let declares = |slot| slot == Slot::ProviderRequestId;
        assert!(Emitter::of("rig::completions", declares).is_none());
        let genai = Emitter::of("genai::otel::span", declares).expect("known");
        assert_eq!(genai.counts("aws.bedrock"), Some(Counts::InputBesideCache));
        assert_eq!(genai.counts("anthropic"), None);
        assert!(Emitter::of("genai::otelx", declares).is_none());
        assert!(Emitter::of("app", |_| false).is_none());
    }
}
