//! Mutations of a body that a fuzzer would try, from a seed.

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// What is written in place of a token: where numbers, nesting and ends go wrong.
const WORDS: [&[u8]; 22] = [
    b"null",
    b"0",
    b"-1",
    b"1.0",
    b"1e3",
    b"18446744073709551615",
    b"18446744073709551616",
    b"\"7\"",
    b"[]",
    b"{}",
    b"[[[[[[[[",
    b"{\"a\":",
    b"\"\\ud800\"",
    b"\n\n",
    b"\r",
    b"data: ",
    b"data: [DONE]\n\n",
    b"event: error\n",
    b"\"usage\":{\"input_tokens\":5,\"output_tokens\":6}",
    b",",
    b"\0",
    b"\xff",
];

/// Makes mutations of seeds.
pub(super) struct Mutator {
    random: StdRng,
}

impl Mutator {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
        }
    }

    /// Returns one of the seeds, mutated a few times.
    pub(super) fn next(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut data = seeds.choose(&mut self.random).cloned().unwrap_or_default();
        for _ in 0..self.random.random_range(1..5) {
            self.mutate(&mut data, seeds);
        }
        data
    }

    fn mutate(&mut self, data: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.at(data);
        let end = data.len().min(at + self.random.random_range(0..40));
        match self.random.random_range(0..7) {
            0 if at < data.len() => data[at] ^= 1 << self.random.random_range(0..8),
            1 => data.truncate(at),
            2 => drop(data.drain(at..end)),
            3 => {
                let piece = data[at..end].to_vec();
                data.splice(at..at, piece);
            }
            4 => {
                let word = WORDS.choose(&mut self.random).copied();
                data.splice(
                    at..end.min(at + 1),
                    word.unwrap_or_default().iter().copied(),
                );
            }
            5 => self.replace_token(data),
            _ => {
                let other = seeds.choose(&mut self.random).cloned().unwrap_or_default();
                let from = self.at(&other);
                data.truncate(at);
                data.extend_from_slice(&other[from..]);
            }
        }
    }

    /// Puts a word in place of a whole number.
    fn replace_token(&mut self, data: &mut Vec<u8>) {
        let at = self.at(data);
        let Some(start) = data[at..].iter().position(u8::is_ascii_digit) else {
            return;
        };
        let start = at + start;
        let digits = data[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        let end = start + digits.count();
        let word = WORDS.choose(&mut self.random).copied();
        data.splice(start..end, word.unwrap_or_default().iter().copied());
    }

    fn at(&mut self, data: &[u8]) -> usize {
        self.random.random_range(0..=data.len())
    }
}
