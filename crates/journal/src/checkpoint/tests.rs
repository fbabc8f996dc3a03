//! Notes and keys that are wrong in one way each.

use super::{Checkpoint, KeyError, KeyName, Note, NoteError, SigningKey, VerifierKey};
use crate::entry::StreamId;

const STREAM: StreamId = StreamId::from_bytes([0x5a; 16]);

fn key(seed: u8) -> SigningKey {
    let name = KeyName::new("example.com/audit").expect("a name");
    SigningKey::from_seed(name, &[seed; 32])
}

fn note() -> String {
    Checkpoint::new(&key(1), STREAM, 42, [7; 32]).sign(&key(1))
}

fn verify(note: &str, seeds: &[u8]) -> Result<Checkpoint, NoteError> {
    let keys: Vec<VerifierKey> = seeds.iter().map(|seed| key(*seed).verifier_key()).collect();
    Checkpoint::verify(note, &keys, STREAM)
}

#[test]
fn a_good_note_says_what_was_signed() {
    let checkpoint = verify(&note(), &[2, 1]).expect("a good note");
    assert_eq!((checkpoint.size, checkpoint.root), (42, [7; 32]));
    assert_eq!(checkpoint.origin, format!("example.com/audit/{STREAM}"));
}

#[test]
fn signatures_of_others_are_ignored_and_wrong_ones_are_not() {
    assert_eq!(verify(&note(), &[2]), Err(NoteError::Unsigned));
    assert_eq!(verify(&note(), &[]), Err(NoteError::Origin));
    assert_eq!(
        verify(&note().replace("\n42\n", "\n43\n"), &[1]),
        Err(NoteError::WrongSignature)
    );
    let other = StreamId::from_bytes([1; 16]);
    let keys = [key(1).verifier_key()];
    assert_eq!(
        Checkpoint::verify(&note(), &keys, other),
        Err(NoteError::Origin)
    );
    let witness = format!("{}\u{2014} witness.example AAAAAAAA\n", note());
    assert!(verify(&witness, &[1]).is_ok());
    let rotated = Checkpoint::new(&key(1), STREAM, 42, [7; 32]).sign_with(&[&key(1), &key(2)]);
    let keys = [
        key(1).verifier_key(),
        key(2).verifier_key(),
        key(3).verifier_key(),
    ];
    let signers = Note::parse(&rotated)
        .expect("a note")
        .signers(&keys)
        .expect("good signatures");
    assert_eq!(signers, [&keys[0], &keys[1]]);
}

#[test]
fn one_spelling_of_a_note_passes() {
    let note = note();
    for (from, to) in [
        ("\n42\n", "\n042\n"),
        ("\n42\n", "\n+42\n"),
        ("\n42\n", "\n 42\n"),
        ("\n42\n", "\n18446744073709551616\n"),
        ("=\n\n", "=\nextension\n\n"),
        ("=\n\n", "=\r\n\n"),
        ("Bwc=\n", "Bwd=\n"),
        ("\n\n", "\n"),
        ("\u{2014} ", "- "),
        ("\u{2014} ", "\u{2014}  "),
        ("example", ""),
    ] {
        assert!(note.contains(from), "{from}");
        let harmed = note.replacen(from, to, 1);
        assert!(verify(&harmed, &[1]).is_err(), "{harmed}");
    }
    assert!(verify(note.trim_end(), &[1]).is_err());
    assert!(verify(&format!("{note}\n"), &[1]).is_err());
    assert!(verify("", &[1]).is_err());
    assert_eq!(verify(&"a".repeat(1 << 20), &[1]), Err(NoteError::TooLong));
}

#[test]
fn verifier_keys_are_read_in_one_form() {
    let printed = key(1).verifier_key().to_string();
    assert_eq!(VerifierKey::parse(&printed), Ok(key(1).verifier_key()));
    assert_eq!(VerifierKey::parse("a+b"), Err(KeyError::Form));
    assert_eq!(
        VerifierKey::parse(&printed.replace("example", "other")),
        Err(KeyError::Id)
    );
    assert_eq!(
        VerifierKey::parse("a+00000000+AAAA"),
        Err(KeyError::Algorithm)
    );
    for wrong in ["", "a b", "a+b", "a\nb", &"a".repeat(300)] {
        assert_eq!(KeyName::new(wrong), Err(KeyError::Name));
    }
    assert_eq!(format!("{:?}", key(1)), "SigningKey(example.com/audit)");
}
