//! The words around a number that say what it is.
//!
//! Promise: the nearest word that means something decides; words that only join are passed over.

use super::text::{WordsBack, header, line_before};

/// Words between a name and its number that say nothing of their own.
#[rustfmt::skip]
const JOINING: [&str; 119] = [
    "a", "al", "am", "an", "and", "as", "at", "au", "ce", "claim", "con", "d", "da", "das", "de", "del", "den", "der", "di",
    "die", "du", "e", "el", "back", "en", "er", "es", "directly", "him", "me", "now", "please", "them", "today", "us", "anytime", "again", "est", "et", "for", "from", "here", "her", "his", "i", "in", "is", "ist",
    "it", "its", "la", "lautet", "le", "les", "mein", "meine", "mi", "mia", "minha", "mio", "mon", "my", "n", "nr", "no",
    "num", "number", "numbers", "numero", "numéro", "número", "nummer", "numer", "o", "of", "off", "on", "or", "oder", "og", "och",
    "ou", "our", "par", "por", "r", "s", "se", "su", "sur", "te", "the", "their", "this", "to", "um", "und", "unter",
    "uw", "via", "was", "with", "y", "your", "à", "är", "min", "mitt", "mit", "mój", "moja", "moje", "můj", "je", "jest", "på", "auf", "bei", "são",
];

/// What the words before a place say of a number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// One of the words looked for.
    Yes,
    /// One of the words that mean something else.
    No,
    /// Neither.
    Nothing,
}

/// Words looked for, and words against.
pub(super) struct Context<'a> {
    pub(super) for_it: &'a [&'a str],
    pub(super) against: &'a [&'a str],
    /// Texts in scripts without spaces.
    pub(super) unspaced: &'a [&'a str],
}

impl Context<'_> {
    /// Says what the nearest meaningful word before a place says.
    pub(super) fn before(&self, text: &str, at: usize) -> Told {
        if self.is_unspaced_before(text, at) {
            return Told::Yes;
        }
        for word in WordsBack::before(text, at).take(6) {
            let word = word.as_str();
            if self.for_it.contains(&word) {
                return Told::Yes;
            }
            if self.against.contains(&word) {
                return Told::No;
            }
            if !JOINING.contains(&word) && word.len() > 1 {
                break;
            }
        }
        header(text, at).map_or(Told::Nothing, |cell| self.cell(cell))
    }

    /// Says what a table's head says of the column below it; `id` is there what any row has.
    fn cell(&self, cell: &str) -> Told {
        let words = WordsBack::before(cell, cell.len()).take(4);
        let mut words = words.filter(|word| word != "id" && word != "number");
        let told = words.find_map(|word| {
            let word = word.as_str();
            let told = if self.for_it.contains(&word) {
                Told::Yes
            } else {
                Told::No
            };
            (told == Told::Yes || self.against.contains(&word)).then_some(told)
        });
        told.unwrap_or(Told::Nothing)
    }

    /// Says whether a word looked for stands anywhere among the last ones.
    pub(super) fn is_near(&self, text: &str, at: usize) -> bool {
        self.is_unspaced_before(text, at)
            || WordsBack::before(text, at)
                .take(10)
                .any(|word| self.for_it.contains(&word.as_str()))
    }

    fn is_unspaced_before(&self, text: &str, at: usize) -> bool {
        let before = line_before(text, at);
        !before.is_ascii() && self.unspaced.iter().any(|word| before.contains(word))
    }
}
