//! Match rules: which names a provider or a model goes by.
//!
//! Promise: matching ignores ASCII case and takes linear time, whatever the table says.
//! Not here: which provider is asked first (`table`).

use std::fmt;

use regex_lite::Regex;
use serde::Deserialize;

/// How a regular expression begins that ignores case.
const IGNORE_CASE: &str = "(?i)";

/// A rule as the table spells it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum RuleText {
    StartsWith { starts_with: String },
    EndsWith { ends_with: String },
    Contains { contains: String },
    Equals { equals: String },
    Regex { regex: String },
    Or { or: Vec<RuleText> },
    And { and: Vec<RuleText> },
}

/// A rule ready to be asked, its texts in lower case.
#[derive(Debug)]
pub(crate) enum Rule {
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    Equals(String),
    Regex(Regex),
    Or(Vec<Rule>),
    And(Vec<Rule>),
}

impl Rule {
    /// Says whether the rule fits a name that is in lower case.
    pub(crate) fn fits(&self, name: &str) -> bool {
        match self {
            Self::StartsWith(text) => name.starts_with(text.as_str()),
            Self::EndsWith(text) => name.ends_with(text.as_str()),
            Self::Contains(text) => name.contains(text.as_str()),
            Self::Equals(text) => name == text,
            Self::Regex(regex) => regex.is_match(name),
            Self::Or(rules) => rules.iter().any(|rule| rule.fits(name)),
            Self::And(rules) => rules.iter().all(|rule| rule.fits(name)),
        }
    }
}

/// As the table spells it, on one line, its texts in lower case.
impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |rules: &[Self], word: &str| {
            let rules: Vec<String> = rules.iter().map(Self::to_string).collect();
            rules.join(word)
        };
        match self {
            Self::StartsWith(text) => write!(out, "starts_with {text:?}"),
            Self::EndsWith(text) => write!(out, "ends_with {text:?}"),
            Self::Contains(text) => write!(out, "contains {text:?}"),
            Self::Equals(text) => write!(out, "equals {text:?}"),
            Self::Regex(regex) => {
                let text = regex.as_str();
                let text = text.strip_prefix(IGNORE_CASE).unwrap_or(text);
                write!(out, "regex {text:?}")
            }
            Self::Or(rules) => write!(out, "({})", join(rules, " or ")),
            Self::And(rules) => write!(out, "({})", join(rules, " and ")),
        }
    }
}

impl TryFrom<RuleText> for Rule {
    type Error = regex_lite::Error;

    fn try_from(text: RuleText) -> Result<Self, Self::Error> {
        let all = |rules: Vec<RuleText>| {
            let rules = rules.into_iter().map(Self::try_from);
            rules.collect::<Result<Vec<_>, _>>()
        };
        Ok(match text {
            RuleText::StartsWith { starts_with } => {
                Self::StartsWith(starts_with.to_ascii_lowercase())
            }
            RuleText::EndsWith { ends_with } => Self::EndsWith(ends_with.to_ascii_lowercase()),
            RuleText::Contains { contains } => Self::Contains(contains.to_ascii_lowercase()),
            RuleText::Equals { equals } => Self::Equals(equals.to_ascii_lowercase()),
            RuleText::Regex { regex } => Self::Regex(Regex::new(&format!("{IGNORE_CASE}{regex}"))?),
            RuleText::Or { or } => Self::Or(all(or)?),
            RuleText::And { and } => Self::And(all(and)?),
        })
    }
}
