//! The redactor: which detectors run, and what is done with what each kind finds.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use zeroize::Zeroizing;

use super::{
    Action, Builtin, Detector, Finding, Findings,
    overlap::{Seen, settle},
    place,
    replace::{self, DigestKey},
};
use crate::{Entropy, SystemEntropy};
use llm_audit_journal::json::{NormalizeError, Place, exchange_strings};

/// Bytes of a digest's key that is made where none is given.
const KEY_BYTES: usize = 32;

/// A text and what was found in it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedactedText<'a> {
    /// The text as it may be sent; the given one where nothing changed.
    pub text: Cow<'a, str>,
    /// What was found.
    pub findings: Findings,
}

/// A JSON text and what was found in it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedactedJson {
    /// The JSON text as it may be sent: byte for byte the given one, but for strings that changed.
    pub json: Vec<u8>,
    /// What was found.
    pub findings: Findings,
}

impl fmt::Debug for RedactedText<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = out.debug_struct("RedactedText");
        debug
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RedactedJson {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = out.debug_struct("RedactedJson");
        debug
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

/// Finds personal data and credentials, and replaces them; cheap to clone.
#[derive(Clone)]
pub struct Redactor {
    inner: Arc<Inner>,
}

struct Inner {
    detectors: Vec<Box<dyn Detector>>,
    actions: BTreeMap<String, Action>,
    otherwise: Action,
    allowed: Vec<String>,
    key: DigestKey,
}

impl Default for Redactor {
    /// All of [`Builtin::DEFAULT`], each [`Action::Redact`].
    fn default() -> Self {
        Self::builder().build()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<(&str, Action)> = self
            .inner
            .detectors
            .iter()
            .map(|detector| (detector.kind(), self.inner.action(detector.kind())))
            .collect();
        out.debug_struct("Redactor")
            .field("kinds", &kinds)
            .finish_non_exhaustive()
    }
}

impl Redactor {
    /// Begins with all of [`Builtin::DEFAULT`].
    pub fn builder() -> Builder {
        Builder {
            builtins: Builtin::DEFAULT.to_vec(),
            own: Vec::new(),
            actions: BTreeMap::new(),
            otherwise: Action::Redact,
            allowed: Vec::new(),
            key: None,
        }
    }

    /// Redacts a text.
    pub fn text<'a>(&self, text: &'a str) -> RedactedText<'a> {
        let mut findings = Findings::default();
        let changed = self.redact(text, "", &mut findings);
        RedactedText {
            text: changed.map_or(Cow::Borrowed(text), Cow::Owned),
            findings,
        }
    }

    /// Redacts the strings of a JSON text: of a request's body, or of its messages alone.
    ///
    /// What a provider's API fixes stays (roles, types, model names, ids, signatures, encoded pictures), and members'
    /// names are redacted like any other string. Numbers are not looked at.
    ///
    /// # Errors
    /// Where it is no JSON.
    pub fn json(&self, json: &[u8]) -> Result<RedactedJson, NormalizeError> {
        let mut findings = Findings::default();
        let mut names = 0;
        let json = exchange_strings(json, &mut |place, text| {
            let changed = self.string(place, text, &mut findings)?;
            names += usize::from(place.is_name);
            // Two names may become one, which would lose a member.
            Some(if place.is_name && names > 1 {
                format!("{changed}#{names}")
            } else {
                changed
            })
        })?;
        Ok(RedactedJson { json, findings })
    }

    fn string(&self, place: Place<'_, '_>, text: &str, findings: &mut Findings) -> Option<String> {
        if place::is_fixed(place, text) {
            return None;
        }
        let first = findings.all.len();
        let changed = self.redact(text, "", findings);
        if findings.all.len() > first {
            let pointer = place::pointer(place.path);
            for finding in &mut findings.all[first..] {
                finding.pointer.clone_from(&pointer);
            }
        }
        changed
    }

    /// Returns the redacted text; none where it stays as it is.
    fn redact(&self, text: &str, pointer: &str, findings: &mut Findings) -> Option<String> {
        let seen = self.inner.see(text);
        if seen.is_empty() {
            return None;
        }
        let (mut out, mut from) = (String::with_capacity(text.len()), 0);
        for one in seen {
            let detector = &self.inner.detectors[one.detector];
            let (kind, action) = (detector.kind(), self.inner.action(detector.kind()));
            out.push_str(&text[from..one.place.start]);
            replace::write(
                &mut out,
                action,
                kind,
                &text[one.place.clone()],
                &self.inner.key,
            );
            from = one.place.end;
            findings.all.push(Finding {
                kind: kind.to_owned(),
                detector: detector.name().to_owned(),
                pointer: pointer.to_owned(),
                place: one.place,
                action,
            });
        }
        out.push_str(&text[from..]);
        (out != text).then_some(out)
    }
}

impl Inner {
    fn action(&self, kind: &str) -> Action {
        self.actions.get(kind).copied().unwrap_or(self.otherwise)
    }

    fn see(&self, text: &str) -> Vec<Seen> {
        let (mut seen, mut places) = (Vec::new(), Vec::new());
        for (at, detector) in self.detectors.iter().enumerate() {
            detector.find(text, &mut places);
            let usable = places.drain(..).filter(|place| !place.is_empty());
            let usable = usable.filter(|place| {
                text.get(place.clone())
                    .is_some_and(|value| !self.is_allowed(value))
            });
            seen.extend(usable.map(|place| Seen {
                place,
                detector: at,
            }));
        }
        settle(seen)
    }

    fn is_allowed(&self, value: &str) -> bool {
        self.allowed
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(value))
    }
}

/// Puts a [`Redactor`] together.
pub struct Builder {
    builtins: Vec<Builtin>,
    own: Vec<Box<dyn Detector>>,
    actions: BTreeMap<String, Action>,
    otherwise: Action,
    allowed: Vec<String>,
    key: Option<DigestKey>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = out.debug_struct("Builder");
        debug
            .field("builtins", &self.builtins)
            .field("actions", &self.actions)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Takes these of the crate's detectors and no others; of two findings as long, the first one's kind counts.
    #[must_use]
    pub fn builtins(mut self, builtins: impl IntoIterator<Item = Builtin>) -> Self {
        self.builtins = builtins.into_iter().collect();
        self
    }

    /// Adds a detector, which goes before the crate's.
    #[must_use]
    pub fn detector(mut self, detector: impl Detector + 'static) -> Self {
        self.own.push(Box::new(detector));
        self
    }

    /// Says what is done with a kind.
    #[must_use]
    pub fn action(mut self, kind: impl Into<String>, action: Action) -> Self {
        self.actions.insert(kind.into(), action);
        self
    }

    /// Says what is done with the kinds for which nothing else is said.
    #[must_use]
    pub fn otherwise(mut self, action: Action) -> Self {
        self.otherwise = action;
        self
    }

    /// Leaves a value that is no secret, such as the support's own address; case does not count.
    #[must_use]
    pub fn allow(mut self, value: impl Into<String>) -> Self {
        self.allowed.push(value.into());
        self
    }

    /// Gives the key of [`Action::Digest`], so that digests are the same elsewhere and tomorrow; else one is made.
    #[must_use]
    pub fn digest_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(DigestKey(Zeroizing::new(key.into())));
        self
    }

    /// Makes the redactor.
    pub fn build(self) -> Redactor {
        let builtins = self
            .builtins
            .into_iter()
            .map(|builtin| Box::new(builtin) as Box<dyn Detector>);
        let detectors = self.own.into_iter().chain(builtins).collect();
        let made = || {
            let mut key = Zeroizing::new(vec![0; KEY_BYTES]);
            SystemEntropy::default().fill(&mut key);
            DigestKey(key)
        };
        Redactor {
            inner: Arc::new(Inner {
                detectors,
                actions: self.actions,
                otherwise: self.otherwise,
                allowed: self.allowed,
                key: self.key.unwrap_or_else(made),
            }),
        }
    }
}
