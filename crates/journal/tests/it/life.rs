//! A journal's life without accidents: opened, written, turned, closed, opened again.

use std::time::Duration;

use llm_audit_journal::{
    entry::Kind,
    journal::{AppendError, GapCause, JournalWriter, MemoryStorage, Refusal},
};

use Kind::{Call, Checkpoint, Close, Config, Key, Open};

use crate::support::*;

#[test]
fn a_first_journal_and_its_second_opening() {
    let storage = MemoryStorage::new();
    let (mut writer, opened) = open(&storage);
    assert!(opened.is_new);
    assert_eq!(writer.next_acc(), 1);
    for acc in 1..=3 {
        append(&mut writer, acc);
    }
    let mark = writer.durable();
    assert_eq!(mark.next_seq(), 3);
    writer.sync().unwrap();
    assert_eq!(mark.next_seq(), 6);
    let stream = writer.stream();
    writer.close().unwrap();
    drop(writer);

    let (mut writer, again) = open(&storage);
    assert_eq!(
        (writer.stream(), again.is_new, again.entries, again.signed),
        (stream, false, 8, 8)
    );
    assert_eq!(writer.next_acc(), 4);
    append(&mut writer, 4);
    writer.close().unwrap();

    let found = &check(&storage, &opened.verifier_key)[&stream];
    let expected = [
        Open, Config, Key, Call, Call, Call, Close, Checkpoint, Open, Call, Close, Checkpoint,
    ];
    assert_eq!(found.kinds, expected);
    assert_eq!(
        found.files.iter().collect::<Vec<_>>(),
        ["audit_2026-11-22.jsonl"]
    );
    let head = storage
        .read(format!("{DIRECTORY}/checkpoints/{stream}"))
        .unwrap();
    assert_eq!(String::from_utf8(head).unwrap().lines().nth(1), Some("12"));
}

#[test]
fn a_second_writer_gets_a_stream_of_its_own() {
    let storage = MemoryStorage::new();
    let (mut first, opened) = open(&storage);
    let (mut second, _) = open(&storage);
    assert_ne!(first.stream(), second.stream());
    for acc in 1..=5 {
        append(&mut first, acc);
        append(&mut second, acc);
    }
    first.close().unwrap();
    second.close().unwrap();
    let streams = check(&storage, &opened.verifier_key);
    assert_eq!(streams.len(), 2);
    let (one, two) = (&streams[&first.stream()], &streams[&second.stream()]);
    assert!(one.files.contains("audit_2026-11-22.jsonl"));
    assert!(two.files.contains(&format!(
        "audit_2026-11-22.{}.jsonl",
        second.stream().short()
    )));
    let lower = first.stream().min(second.stream());
    drop((first, second));

    // Both are free: the next process takes the first in name order, and names the other's head.
    let (writer, _) = open(&storage);
    assert_eq!(writer.stream(), lower);
    let open_event = check(&storage, &opened.verifier_key)[&lower]
        .events
        .iter()
        .rfind(|event| event.starts_with("open"))
        .cloned();
    assert!(open_event.unwrap().contains(r#""streams":[[""#));
}

#[test]
fn segments_turn_by_size_and_begin_with_a_checkpoint() {
    let storage = MemoryStorage::new();
    let mut options = options();
    options.segment_bytes_max = 5000;
    let (mut writer, opened) = open_at(&storage, &TestClock::new(), options).unwrap();
    for acc in 1..=20 {
        append(&mut writer, acc);
        writer.sync().unwrap();
    }
    writer.close().unwrap();
    let found = &check(&storage, &opened.verifier_key)[&writer.stream()];
    assert!(found.files.len() > 3, "{:?}", found.files);
    assert_eq!(found.written, (1..=20).collect());
}

#[test]
fn a_day_turns_while_it_is_written_and_while_it_is_not() {
    let storage = MemoryStorage::new();
    let clock = TestClock::new();
    let (mut writer, opened) = open_at(&storage, &clock, options()).unwrap();
    append(&mut writer, 1);
    clock.advance(DAY_US);
    append(&mut writer, 2);
    writer.sync().unwrap();
    clock.advance(DAY_US);
    writer.close().unwrap();
    let stream = writer.stream();
    drop(writer);
    clock.advance(DAY_US);
    let (mut writer, _) = open_at(&storage, &clock, options()).unwrap();
    assert_eq!(writer.stream(), stream);
    append(&mut writer, 3);
    writer.close().unwrap();
    let found = &check(&storage, &opened.verifier_key)[&stream];
    let days = ["22", "23", "24", "25"].map(|day| format!("audit_2026-11-{day}.jsonl"));
    assert!(found.files.iter().eq(&days), "{:?}", found.files);
}

#[test]
fn a_clock_set_back_never_reopens_an_older_file() {
    let storage = MemoryStorage::new();
    let clock = TestClock::new();
    let (mut writer, opened) = open_at(&storage, &clock, options()).unwrap();
    clock.advance(DAY_US);
    append(&mut writer, 1);
    clock.advance(-DAY_US);
    append(&mut writer, 2);
    assert!(!writer.is_day_ahead());
    writer.close().unwrap();
    let stream = writer.stream();
    drop(writer);
    let (mut writer, _) = open_at(&storage, &clock, options()).unwrap();
    assert_eq!(writer.stream(), stream);
    append(&mut writer, 3);
    writer.close().unwrap();
    check(&storage, &opened.verifier_key);
}

#[test]
fn a_clock_far_ahead_that_is_set_right_ends_the_stream() {
    let storage = MemoryStorage::new();
    let clock = TestClock::new();
    let (mut writer, opened) = open_at(&storage, &clock, options()).unwrap();
    let ahead = writer.stream();
    clock.advance(30 * DAY_US);
    append(&mut writer, 1);
    clock.advance(-30 * DAY_US);
    assert!(writer.is_day_ahead());
    append(&mut writer, 2);
    let (old, report) = writer.start_new_stream().unwrap();
    assert_eq!(report.not_continued, [(ahead, Refusal::DayAhead)]);
    assert_eq!((old.stream(), writer.next_acc()), (ahead, 1));
    append(&mut writer, 1);
    writer.close().unwrap();
    let now = writer.stream();
    drop((old, writer));
    let streams = check(&storage, &opened.verifier_key);
    assert!(streams[&ahead].is_closed());
    assert!(
        streams[&now].events[0].contains(&format!(r#""not_continued":[["{ahead}","day_ahead"]]"#))
    );

    // It is not taken up again at the next start either, and not written to.
    let (writer, _) = open_at(&storage, &clock, options()).unwrap();
    assert_eq!(writer.stream(), now);
    assert_eq!(
        check(&storage, &opened.verifier_key)[&ahead].kinds.len(),
        streams[&ahead].kinds.len()
    );
}

#[test]
fn a_crashed_stream_far_ahead_gets_its_recovery_and_its_end() {
    let storage = MemoryStorage::new();
    let clock = TestClock::new();
    let (mut writer, opened) = open_at(&storage, &clock, options()).unwrap();
    let ahead = writer.stream();
    clock.advance(30 * DAY_US);
    append(&mut writer, 2);
    writer.sync().unwrap();
    drop(writer);
    clock.advance(-30 * DAY_US);
    let (writer, report) = open_at(&storage, &clock, options()).unwrap();
    assert_ne!(writer.stream(), ahead);
    assert_eq!(report.not_continued, [(ahead, Refusal::DayAhead)]);
    let found = &check(&storage, &opened.verifier_key)[&ahead];
    assert!(found.is_closed());
    assert_eq!(found.named, [1].into());
}

#[test]
fn settings_are_written_when_they_change() {
    let storage = MemoryStorage::new();
    let key = open(&storage).1.verifier_key;
    drop(open(&storage));
    let mut changed = options();
    changed.settings = vec![("capture".to_owned(), "{ \"a\" : 1e1 }".to_owned())];
    let (writer, _) = open_at(&storage, &TestClock::new(), changed).unwrap();
    let found = &check(&storage, &key)[&writer.stream()];
    let configs: Vec<_> = found
        .events
        .iter()
        .filter(|event| event.starts_with("config"))
        .collect();
    assert_eq!(
        configs,
        [
            r#"config {"settings":{"capture":"hashes"}}"#,
            r#"config {"settings":{"capture":{"a":10}}}"#
        ]
    );
}

#[test]
fn a_hash_key_is_made_once_and_told_once() {
    let storage = MemoryStorage::new();
    let mut options = options();
    options.with_hash_key = true;
    let (writer, first) = open_at(&storage, &TestClock::new(), options.clone()).unwrap();
    let (other, second) = open_at(&storage, &TestClock::new(), options).unwrap();
    let (first_key, second_key) = (first.hash_key.unwrap(), second.hash_key.unwrap());
    assert_eq!(first_key.bytes(), second_key.bytes());
    let streams = check(&storage, &first.verifier_key);
    assert_eq!(
        (
            streams[&writer.stream()].count(Key),
            streams[&other.stream()].count(Key)
        ),
        (2, 0),
        "the tail key and the hash key, in the first stream"
    );
    let key_file = storage
        .read(format!("{DIRECTORY}.keys/hash-{}", first_key.id()))
        .unwrap();
    assert_eq!(key_file, first_key.bytes());
    assert!(!format!("{first_key:?}").contains("bytes"));
}

#[test]
fn checkpoints_come_by_count_and_by_time() {
    let storage = MemoryStorage::new();
    let (mut writer, opened) = open(&storage);
    for acc in 1..=2500 {
        append(&mut writer, acc);
    }
    writer.sync().unwrap();
    let found = &check(&storage, &opened.verifier_key)[&writer.stream()];
    let places: Vec<_> = (0..)
        .zip(&found.kinds)
        .filter(|(_, kind)| **kind == Checkpoint)
        .map(|(seq, _)| seq)
        .collect();
    assert_eq!(places, [1000, 2000]);

    let mut options = options();
    options.checkpoint_delay_max = Duration::from_millis(20);
    options.heartbeat = Some(Duration::from_millis(30));
    let (mut writer, _) = open_at(&storage, &TestClock::new(), options).unwrap();
    append(&mut writer, 1);
    writer.sync().unwrap();
    for _ in 0..4 {
        let deadline = writer.next_deadline().unwrap();
        assert!(deadline <= Duration::from_millis(100));
        std::thread::sleep(deadline);
        writer.tick().unwrap();
    }
    let found = &check(&storage, &opened.verifier_key)[&writer.stream()];
    assert_eq!(
        found.count(Checkpoint),
        1,
        "a heartbeat starts no timer: {:?}",
        found.kinds
    );
    assert!(found.count(Kind::Heartbeat) >= 1);
}

#[test]
fn gaps_are_named_and_what_nobody_named_is_named_at_close() {
    let storage = MemoryStorage::new();
    let (mut writer, opened) = open(&storage);
    append(&mut writer, 5);
    writer
        .append_gap(&[(1, 2), (6, 9)], GapCause::QueueFull)
        .unwrap();
    assert!(matches!(
        writer.append_gap(&[(2, 3)], GapCause::QueueFull),
        Err(AppendError::Twice { acc: 2 })
    ));
    assert!(matches!(
        writer.append(6, Call, &record(6, "success")),
        Err(AppendError::Twice { acc: 6 })
    ));
    assert_eq!(writer.next_acc(), 10);
    writer.close().unwrap();
    assert!(matches!(
        writer.append(10, Call, &record(10, "success")),
        Err(AppendError::Closed)
    ));
    let found = &check(&storage, &opened.verifier_key)[&writer.stream()];
    assert_eq!(found.named, [1, 2, 3, 4, 6, 7, 8, 9].into());
    assert!(
        found
            .events
            .contains(&r#"gap {"acc":[[3,4]],"count":2,"cause":"unaccounted"}"#.to_owned())
    );
    assert!(
        found
            .events
            .contains(&r#"close {"accepted":9,"durable":1,"dropped":8}"#.to_owned())
    );
}

#[test]
fn operations_that_never_ended_are_interrupted() {
    let storage = MemoryStorage::new();
    let (mut writer, opened) = open(&storage);
    for acc in 1..=3 {
        writer
            .append(
                acc,
                Kind::Begin,
                &record_of(acc, &request_id(acc), "started"),
            )
            .unwrap();
    }
    writer
        .append(4, Call, &record_of(4, &request_id(2), "success"))
        .unwrap();
    writer.sync().unwrap();
    drop(writer);
    let (writer, report) = open(&storage);
    assert_eq!(report.interrupted, 2);
    let found = &check(&storage, &opened.verifier_key)[&writer.stream()];
    assert_eq!(found.statuses[&request_id(1)], ["started", "interrupted"]);
    assert_eq!(found.statuses[&request_id(2)], ["started", "success"]);
    assert_eq!(found.statuses[&request_id(3)], ["started", "interrupted"]);
    assert_eq!(found.written, (1..=6).collect());
    drop(writer);
    assert_eq!(open(&storage).1.interrupted, 0);
}

#[test]
fn a_writer_can_cross_threads() {
    fn sends<T: Send>() {}
    sends::<JournalWriter>();
}
