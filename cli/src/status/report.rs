//! The findings, in the order in which they are met.
//!
//! Promise: bounded memory, however much is wrong: of each code so many are listed, and all are counted.

use std::collections::BTreeMap;

use super::{FindingShown, Status};
use crate::finding::Finding;

/// More of one code tell a reader nothing new.
const LISTED_MAX: u64 = 100;

/// What was found.
#[derive(Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
    information: Vec<Finding>,
    total: u64,
    /// How many there are of each code.
    counts: BTreeMap<&'static str, u64>,
    is_incomplete: bool,
}

impl Report {
    /// Adds something that needs attention.
    pub(super) fn finding(&mut self, finding: Finding) {
        self.total += 1;
        self.is_incomplete |= finding.is_unchecked();
        if self.is_listed(finding.code) {
            self.findings.push(finding);
        }
    }

    /// Adds something that is worth knowing.
    pub(super) fn inform(&mut self, finding: Finding) {
        if self.is_listed(finding.code) {
            self.information.push(finding);
        }
    }

    fn is_listed(&mut self, code: &'static str) -> bool {
        let count = self.counts.entry(code).or_default();
        *count += 1;
        *count <= LISTED_MAX
    }

    /// Hands all of it over.
    pub(super) fn show(self, status: &mut Status) {
        status.is_whole = !self.is_incomplete;
        status.findings_total = self.total;
        status.findings = self.findings.into_iter().map(shown).collect();
        status.information = self.information.into_iter().map(shown).collect();
    }
}

fn shown(finding: Finding) -> FindingShown {
    FindingShown {
        code: finding.code,
        advice: finding.advice(),
        file: finding.file,
        line: finding.line,
        detail: finding.detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A journal of which every line is damaged must not fill the memory, nor hide a finding of another kind.
    #[test]
    fn many_findings_of_one_code_hide_no_other() {
        let mut report = Report::default();
        let finding = |code| Finding {
            code,
            file: String::new(),
            line: None,
            detail: String::new(),
        };
        for _ in 0..1000 {
            report.finding(finding("damaged line"));
        }
        report.finding(finding("cut tail"));
        let mut status = Status::default();
        report.show(&mut status);
        assert_eq!(status.findings.len() as u64, LISTED_MAX + 1);
        assert_eq!(status.findings_total, 1001);
        assert_eq!(status.findings.last().unwrap().code, "cut tail");
    }
}
