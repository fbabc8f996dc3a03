//! The status for people.

use std::io::{self, Write};

use super::{FindingShown, Status, Stream};
use crate::terminal::{self, Paint, Style};

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
    for stream in &status.streams {
        writeln!(out)?;
        line(out, "stream", stream.id.clone())?;
        write_stream(out, stream, style)?;
    }
    match status.segments {
        0 => Ok(()),
        _ => findings(out, &status.findings, style),
    }
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
    let state = if stream.is_closed {
        "closed"
    } else {
        "open: being written, or its writer ended without closing"
    };
    line(out, "state", &format!("{state}; newest entry {newest}"))?;
    line(out, "checkpoint", &checkpoint(stream, style))?;
    for follower in &stream.followers {
        let name = terminal::escape(&follower.name);
        let text = match follower.lag {
            0 => style.paint("has everything", Paint::Good),
            lag => style.paint(
                &format!("lacks {lag} entries, from seq {}", follower.next_seq),
                Paint::Warning,
            ),
        };
        line(out, "follower", &format!("{name}: {text}"))?;
    }
    Ok(())
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

fn findings(out: &mut dyn Write, findings: &[FindingShown], style: Style) -> io::Result<()> {
    if findings.is_empty() {
        return writeln!(
            out,
            "\n{}",
            style.paint("No damaged line, no torn tail, no hole.", Paint::Good)
        );
    }
    writeln!(out, "\n{}", style.paint("Findings:", Paint::Bad))?;
    for finding in findings {
        let line = finding
            .line
            .map_or(String::new(), |line| format!(":{line}"));
        writeln!(
            out,
            "  {}{line}: {}: {}",
            finding.file, finding.code, finding.detail
        )?;
    }
    Ok(())
}

fn files(count: u64) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} file{s}")
}

/// Prints a size as people read it.
fn size(bytes: u64) -> String {
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
