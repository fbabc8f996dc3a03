//! Numbers of digits alone: each line of the table is a country's number in one of its forms.

use std::ops::Range;

use super::{check, words};
use crate::sanitize::{
    digits::{Group, Run, Runs, is_listed_end, is_listed_start, is_number_end, is_number_start},
    words::{Context, Told},
};

/// How much must be told before a number of that form is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Form and check leave no doubt, unless a word says that it is something else.
    Form,
    /// A word before it.
    Word,
}

use Need::{Form, Word};

struct Rule {
    shape: &'static str,
    need: Need,
    is_one: fn(&[u8]) -> bool,
    context: &'static Context<'static>,
}

const fn rule(
    shape: &'static str,
    need: Need,
    is_one: fn(&[u8]) -> bool,
    context: &'static Context<'static>,
) -> Rule {
    Rule {
        shape,
        need,
        is_one,
        context,
    }
}

static RULES: [Rule; 77] = [
    // United States: SSN, ITIN.
    rule("3-2-4", Form, check::us_ssn, &words::US),
    rule("3 2 4", Form, check::us_ssn, &words::US),
    rule("3.2.4", Word, check::us_ssn, &words::US),
    rule("3-2-4", Form, check::us_itin, &words::US),
    rule("3 2 4", Word, check::us_itin, &words::ITIN),
    rule("9", Word, check::us_any, &words::US),
    // Canada: SIN.
    rule("3 3 3", Word, check::luhn_nonzero, &words::CA),
    rule("3-3-3", Word, check::luhn_nonzero, &words::CA),
    rule("9", Word, check::luhn_nonzero, &words::CA),
    // United Kingdom: NHS number.
    rule("3 3 4", Word, check::gb_nhs, &words::NHS),
    rule("3-3-4", Word, check::gb_nhs, &words::NHS),
    rule("10", Word, check::gb_nhs, &words::NHS),
    // Germany: tax id.
    rule("11", Word, check::de_tax, &words::DE),
    rule("2 3 3 3", Form, check::de_tax, &words::DE),
    // France: NIR.
    rule("15", Form, check::fr_nir, &words::FR),
    rule("13 2", Form, check::fr_nir, &words::FR),
    rule("1 2 2 2 3 3 2", Form, check::fr_nir, &words::FR),
    rule("1-2-2-2-3-3-2", Form, check::fr_nir, &words::FR),
    rule("1.2.2.2.3.3.2", Form, check::fr_nir, &words::FR),
    // Netherlands: BSN.
    rule("9", Word, check::nl_bsn, &words::NL),
    rule("4.2.3", Word, check::nl_bsn, &words::NL),
    rule("4 2 3", Word, check::nl_bsn, &words::NL),
    rule("3 3 3", Word, check::nl_bsn, &words::NL),
    // Belgium: national number.
    rule("2.2.2-3.2", Form, check::be_national, &words::BE),
    rule("2.2.2 3.2", Form, check::be_national, &words::BE),
    rule("6-3-2", Form, check::be_national, &words::BE),
    rule("6 3 2", Word, check::be_national, &words::BE),
    rule("11", Word, check::be_national, &words::BE),
    // Poland: PESEL.
    rule("11", Form, check::pl_pesel, &words::PL),
    // Sweden, Denmark, Norway.
    rule("6-4", Form, check::se_personal, &words::NORDIC),
    rule("8-4", Form, check::se_personal_long, &words::NORDIC),
    rule("10", Word, check::se_personal, &words::NORDIC),
    rule("12", Word, check::se_personal_long, &words::NORDIC),
    rule("6-4", Form, check::dk_cpr_checked, &words::NORDIC),
    rule("6-4", Word, check::dk_cpr, &words::NORDIC),
    rule("6 4", Word, check::dk_cpr, &words::NORDIC),
    rule("10", Word, check::dk_cpr, &words::NORDIC),
    rule("11", Form, check::no_birth, &words::NORDIC),
    rule("6 5", Form, check::no_birth, &words::NORDIC),
    // Switzerland, Austria.
    rule("3.4.4.2", Form, check::ch_ahv, &words::CH),
    rule("13", Form, check::ch_ahv, &words::CH),
    rule("4 6", Word, check::at_social, &words::AT),
    rule("10", Word, check::at_social, &words::AT),
    // Brazil: CPF.
    rule("3.3.3-2", Form, check::br_cpf, &words::BR),
    rule("9-2", Form, check::br_cpf, &words::BR),
    rule("11", Word, check::br_cpf, &words::BR),
    // India: Aadhaar.
    rule("4 4 4", Form, check::in_aadhaar, &words::IN),
    rule("4-4-4", Form, check::in_aadhaar, &words::IN),
    rule("12", Word, check::in_aadhaar, &words::IN),
    // Australia: TFN, Medicare.
    rule("3 3 3", Word, check::au_tfn, &words::AU),
    rule("3-3-3", Word, check::au_tfn, &words::AU),
    rule("9", Word, check::au_tfn, &words::AU),
    rule("8", Word, check::au_tfn, &words::AU),
    rule("4 5 1", Word, check::au_medicare, &words::MEDICARE),
    rule("10", Word, check::au_medicare, &words::MEDICARE),
    // Korea, Japan, China.
    rule("6-7", Form, check::kr_resident, &words::KR),
    rule("4 4 4", Word, check::jp_my_number, &words::JP),
    rule("4-4-4", Word, check::jp_my_number, &words::JP),
    rule("12", Word, check::jp_my_number, &words::JP),
    rule("18", Form, check::cn_resident, &words::CN),
    // South Africa, Romania, Bulgaria, Czechia and Slovakia, the Baltics.
    rule("13", Form, check::za_id, &words::ZA),
    rule("13", Form, check::ro_cnp, &words::RO),
    rule("10", Word, check::bg_egn, &words::BG),
    rule("6/4", Form, check::cz_birth, &words::CZ),
    rule("6/3", Word, check::cz_birth, &words::CZ),
    rule("11", Word, check::baltic, &words::BALTIC),
    rule("6-5", Word, check::lv_personal, &words::BALTIC),
    // Turkey, Greece, Portugal, Croatia, Hungary, Israel.
    rule("11", Word, check::tr_identity, &words::TR),
    rule("11", Word, check::gr_amka, &words::GR),
    rule("9", Word, check::pt_nif, &words::PT),
    rule("11", Word, check::iso_11_10, &words::HR),
    rule("3 3 3", Word, check::hu_taj, &words::HU),
    rule("9", Word, check::il_identity, &words::IL),
    // Thailand, Malaysia, Emirates, Indonesia, Russia.
    rule("1-4-5-2-1", Form, check::th_identity, &words::TH),
    rule("6-2-4", Form, check::my_nric, &words::NONE),
    rule("3-4-7-1", Form, check::ae_emirates, &words::NONE),
    rule("3-3-3 2", Form, check::ru_snils, &words::RU),
];
static MORE: [Rule; 12] = [
    rule("16", Word, check::id_nik, &words::ID),
    rule("13", Word, check::th_identity, &words::TH),
    // Argentina: CUIL and CUIT, DNI.
    rule("2-8-1", Form, check::ar_cuil, &words::AR),
    rule("11", Word, check::ar_cuil, &words::AR),
    // Pakistan, Iceland, the countries of former Yugoslavia, Ukraine, New Zealand.
    rule("5-7-1", Form, check::pk_identity, &words::PK),
    rule("6-4", Form, check::is_identity, &words::IS),
    rule("10", Word, check::is_identity, &words::IS),
    rule("13", Word, check::yu_citizen, &words::YU),
    rule("10", Word, check::ua_tax, &words::UA),
    rule("3-3-3", Word, check::nz_ird, &words::NZ),
    rule("2.3.3", Word, check::any, &words::AR),
    rule("8", Word, check::any, &words::AR),
];
/// No form has more groups.
const GROUPS_MAX: usize = 7;

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    for run in Runs::of(text) {
        let mut at = 0;
        while at < run.groups.len() {
            let groups = &run.groups[at..];
            let count = if may_begin(text, groups, at == 0) {
                count_at(text, groups)
            } else {
                None
            };
            if let Some(count) = count {
                found.push(groups[0].start..groups[count - 1].end);
            }
            at += count.unwrap_or(1);
        }
    }
}

fn may_begin(text: &str, groups: &[Group], is_first: bool) -> bool {
    let start = groups[0].start;
    // Behind a slash only what has marks of its own is another number.
    let is_listed = groups
        .get(1)
        .is_some_and(|next| b"-.".contains(&next.gap.mark))
        && matches!(groups[0].gap.mark, b'/')
        && is_listed_start(text, start);
    groups[0].len <= 18
        && (is_listed || (is_first || groups[0].gap.mark == b' ') && is_number_start(text, start))
}

/// Returns how many groups from the first on are an identity number.
fn count_at(text: &str, groups: &[Group]) -> Option<usize> {
    let most = groups.len().min(GROUPS_MAX);
    (1..=most).rev().find(|count| {
        let is_listed = *count > 1 && b"-.".contains(&groups[1].gap.mark);
        let ends = groups.get(*count).is_none_or(|next| {
            next.gap.mark == b' ' || next.gap.closes || is_listed && next.gap.mark == b'/'
        });
        let end = groups[*count - 1].end;
        ends && (is_number_end(text, end) || is_listed && is_listed_end(text, end))
            && is_identity(text, &groups[..*count], groups.get(*count))
    })
}

fn is_identity(text: &str, groups: &[Group], next: Option<&Group>) -> bool {
    let total: usize = groups.iter().map(|group| group.len).sum();
    if !matches!(total, 8..=13 | 15 | 16 | 18) {
        return false;
    }
    let Some(shape) = Run::shape(groups) else {
        return false;
    };
    let mut digits = Vec::new();
    RULES
        .iter()
        .chain(&MORE)
        .filter(|rule| rule.shape == shape)
        .any(|rule| {
            if digits.is_empty() {
                digits = Run::digits(text, groups);
            }
            (rule.is_one)(&digits) && rule.is_told(text, groups, next)
        })
}

impl Rule {
    fn is_told(&self, text: &str, groups: &[Group], next: Option<&Group>) -> bool {
        let start = groups[0].start;
        // Behind another number, or before one, the form alone says little.
        let is_apart = next.is_none_or(|next| next.gap.mark == b'/')
            && (groups[0].gap.mark != b' '
                || self.shape.contains('-')
                || !is_behind_digits(text, start));
        match self.context.before(text, start) {
            Told::Yes => true,
            Told::No => false,
            Told::Nothing => self.need == Form && is_apart || self.context.is_near(text, start),
        }
    }
}

fn is_behind_digits(text: &str, start: usize) -> bool {
    text[..start]
        .trim_end()
        .ends_with(|letter: char| letter.is_ascii_digit())
}
