//! Match rules: which names a provider or a model goes by.
//!
//! Promise: matching ignores ASCII case and takes linear time, whatever the table says.
//! Not here: which provider is asked first (`table`).

use regex_lite::Regex;
use serde::Deserialize;

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
            RuleText::Regex { regex } => Self::Regex(Regex::new(&format!("(?i){regex}"))?),
            RuleText::Or { or } => Self::Or(all(or)?),
            RuleText::And { and } => Self::And(all(and)?),
        })
    }
}
