//! The status for people.

use std::io::{self, Write};

use super::{FindingShown, Status, Stream, followers::Sum};
use crate::{
    alive::Writer,
    terminal::{self, Paint, Style},
};

/// Writes all of it.
pub(super) fn write(out: &mut dyn Write, status: &Status, style: Style) -> io::Result<()> {
    let line = |out: &mut dyn Write, name: &str, text: String| {
        let name = style.paint(&format!("{name:<11}"), Paint::Heading);
        writeln!(out, "{name} {text}")
    };
    line(out, "journal", terminal::escape(&status.directory))?;
    line(out, "segments", segments(status))?;
    line(out, "records", records(status))?;
    if status.dropped > 0 {
        let text = format!(
            "{} records were accepted and lost; gap entries name them",
            status.dropped
        );
        line(out, "dropped", style.paint(&text, Paint::Bad))?;
    }
    if status.quarantined > 0 {
        let text = format!("{} in quarantine/", files(status.quarantined));
        line(out, "set aside", style.paint(&text, Paint::Warning))?;
    }
    for sum in &status.followers {
        line(out, "follower", follower_sum(sum, style))?;
    }
    for stream in &status.streams {
        writeln!(out)?;
        line(out, "stream", stream.id.clone())?;
        write_stream(out, stream, style)?;
    }
    section(
        out,
        "Information:",
        &status.information,
        Paint::Heading,
        style,
    )?;
    section(out, "Findings:", &status.findings, Paint::Bad, style)?;
    conclusion(out, status, style)
}

fn follower_sum(sum: &Sum, style: Style) -> String {
    let name = terminal::escape(&sum.name);
    let text = match sum.lag {
        0 => style.paint("has everything", Paint::Good),
        lag => {
            let text = format!(
                "lacks {} of {}",
                counted(lag, "entry", "entries"),
                counted(sum.streams, "stream", "streams")
            );
            style.paint(&text, Paint::Warning)
        }
    };
    format!("{name}: {text}")
}

fn segments(status: &Status) -> String {
    let (Some(first), Some(last)) = (&status.first_segment, &status.last_segment) else {
        return "none".to_owned();
    };
    let names = if first == last {
        first.clone()
    } else {
        format!("{first} to {last}")
    };
    format!(
        "{}, {}: {names}",
        files(status.segments),
        size(status.bytes)
    )
}

fn records(status: &Status) -> String {
    match (&status.oldest_record, &status.newest_record) {
        (Some(oldest), Some(newest)) => format!("{}, {oldest} to {newest}", status.records),
        _ => "none".to_owned(),
    }
}

fn write_stream(out: &mut dyn Write, stream: &Stream, style: Style) -> io::Result<()> {
    let kinds: Vec<String> = stream
        .kinds
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    let line = |out: &mut dyn Write, name: &str, text: &str| writeln!(out, "  {name:<11}{text}");
    let range = format!(
        "{} (seq {} to {})",
        stream.entries, stream.first_seq, stream.last_seq
    );
    line(
        out,
        "entries",
        &format!(
            "{range} in {}: {}",
            files(stream.segments),
            kinds.join(", ")
        ),
    )?;
    let newest = stream.newest_entry.as_deref().unwrap_or("-");
    let state = state(stream);
    line(out, "state", &format!("{state}; newest entry {newest}"))?;
    if let (Some(opened), Some(software)) = (&stream.opened, &stream.software) {
        let software = terminal::escape(software);
        let adopted = match stream.adopted {
            0 => String::new(),
            count => {
                let adopted = counted(count, "unsigned entry", "unsigned entries");
                format!("; {adopted} adopted from earlier processes")
            }
        };
        let text = format!("{opened} by {software}{adopted}");
        line(out, "opened", &text)?;
    }
    line(out, "checkpoint", &checkpoint(stream, style))?;
    for follower in &stream.followers {
        let name = terminal::escape(&follower.name);
        let text = match follower.lag {
            0 => style.paint("has everything", Paint::Good),
            lag if follower.is_known => style.paint(
                &format!(
                    "lacks {}, from seq {}",
                    counted(lag, "entry", "entries"),
                    follower.next_seq
                ),
                Paint::Warning,
            ),
            _ => style.paint("lacks everything: it has no cursor here", Paint::Warning),
        };
        line(out, "follower", &format!("{name}: {text}"))?;
    }
    Ok(())
}

/// Says who writes a stream, or how its last writer left it.
fn state(stream: &Stream) -> String {
    match stream.writer {
        Writer::Alive { pid: Some(pid) } => format!("being written by process {pid}"),
        Writer::Alive { pid: None } => {
            "being written by a process outside this container".to_owned()
        }
        _ if stream.is_closed => "closed in order".to_owned(),
        Writer::None => "left without closing: the next start recovers it".to_owned(),
        Writer::Unknown => "not closed; whether a process writes it is not known".to_owned(),
    }
}

fn checkpoint(stream: &Stream, style: Style) -> String {
    let Some(checkpoint) = &stream.checkpoint else {
        return style.paint("none that can be read", Paint::Warning);
    };
    let covers = match checkpoint.uncovered {
        0 => style.paint("covers every entry", Paint::Good),
        1 => "covers all but the last entry".to_owned(),
        count => format!("covers all but the last {count} entries"),
    };
    format!(
        "size {}, {covers}; origin {}",
        checkpoint.size,
        terminal::escape(&checkpoint.origin)
    )
}

/// Lists findings, then what each code means and what to do next.
fn section(
    out: &mut dyn Write,
    title: &str,
    findings: &[FindingShown],
    paint: Paint,
    style: Style,
) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", style.paint(title, paint))?;
    let mut meanings: Vec<(&str, &str)> = Vec::new();
    for finding in findings {
        let line = finding
            .line
            .map_or(String::new(), |line| format!(":{line}"));
        let file = terminal::escape(&finding.file);
        let detail = terminal::escape(&finding.detail);
        writeln!(out, "  {file}{line}: {}: {detail}", finding.code)?;
        if !meanings.contains(&(finding.code, finding.advice)) {
            meanings.push((finding.code, finding.advice));
        }
    }
    writeln!(out)?;
    for (code, advice) in meanings {
        writeln!(out, "  {}: {advice}", style.paint(code, Paint::Heading))?;
    }
    Ok(())
}

/// Says how many findings there are, or that there is none and what was checked.
fn conclusion(out: &mut dyn Write, status: &Status, style: Style) -> io::Result<()> {
    let listed = status.findings.len() as u64;
    let text = match status.findings_total {
        0 if status.entries == 0 => "No entry: nothing was checked.".to_owned(),
        0 => return writeln!(out, "\n{}", style.paint(&all_clear(status), Paint::Good)),
        total if total > listed => format!("{total} findings, of which {listed} are listed."),
        total => format!("{}.", counted(total, "finding", "findings")),
    };
    writeln!(out, "\n{}{}", text, unchecked(status))
}

fn all_clear(status: &Status) -> String {
    let entries = counted(status.entries, "entry", "entries");
    let streams = counted(status.streams.len() as u64, "stream", "streams");
    let verbs = if status.entries == 1 {
        "chains and matches its"
    } else {
        "chain and match their"
    };
    let signatures = match status.signatures {
        None => "signatures were not checked (give --key)".to_owned(),
        Some(count) => counted(count, "signature is right", "signatures are right"),
    };
    let unchecked = unchecked(status);
    format!("No finding: {entries} in {streams} {verbs} commitments; {signatures}.{unchecked}")
}

/// Names what this command does not judge, where there is such a thing.
fn unchecked(status: &Status) -> String {
    let uncovered = match status.uncovered {
        0 => String::new(),
        1 => " 1 entry is not covered by a checkpoint yet.".to_owned(),
        count => format!(" {count} entries are not covered by a checkpoint yet."),
    };
    let removed = match status.classes_removed {
        0 => String::new(),
        count => {
            let entries = counted(count, "entry", "entries");
            format!(
                " Classes were removed from {entries}; whether that was allowed was not checked."
            )
        }
    };
    uncovered + &removed
}

fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

fn files(count: u64) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} file{s}")
}

/// Prints a size as people read it.
pub(super) fn size(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    let (mut scaled, mut unit) = (bytes as f64, "bytes");
    for next in units {
        if scaled < 1000.0 {
            break;
        }
        (scaled, unit) = (scaled / 1000.0, next);
    }
    match unit {
        "bytes" => format!("{bytes} bytes"),
        _ => format!("{scaled:.1} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_at_a_glance() {
        for (bytes, expected) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (7424, "7.4 kB"),
            (1_500_000, "1.5 MB"),
            (12_000_000_000, "12.0 GB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
