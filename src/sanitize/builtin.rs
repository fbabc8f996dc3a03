//! The detectors that come with the crate.

use std::ops::Range;

use super::{Detector, card, email, iban, ip, jwt, key, national, pem, phone};

/// A detector that comes with the crate; each finds one kind, which has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Builtin {
    /// `pem`: whole PEM blocks, of keys, certificates and requests.
    Pem,
    /// `jwt`: JSON Web Tokens, signed, encrypted or unsecured.
    Jwt,
    /// `api_key`: keys and tokens of services, by their form or by the name before them.
    ApiKey,
    /// `email`: e-mail addresses.
    Email,
    /// `iban`: international bank account numbers, check digits right.
    Iban,
    /// `credit_card`: payment card numbers, Luhn digit right, of a known issuer.
    CreditCard,
    /// `ip_address`: IP addresses of both versions.
    IpAddress,
    /// `national_id`: identity, social security and personal tax numbers.
    ///
    /// United States (SSN, ITIN), Canada, Mexico, Brazil, Argentina, Chile; United Kingdom (NINO, NHS), Ireland,
    /// Germany, France, Italy, Spain, Portugal, Netherlands, Belgium, Austria, Switzerland, Poland, Czechia and
    /// Slovakia, Hungary, Croatia, Romania, Bulgaria, Greece, Sweden, Denmark, Norway, Finland, Estonia, Latvia,
    /// Lithuania, Turkey, Russia (SNILS), Israel; India (Aadhaar, PAN), China, Hong Kong, Taiwan, Japan, Korea,
    /// Singapore, Malaysia, Indonesia, Thailand, the Emirates, Pakistan; Australia (TFN, Medicare), New Zealand;
    /// South Africa; Iceland, Ukraine, and the countries of former Yugoslavia (JMBG, EMŠO).
    NationalId,
    /// `phone`: telephone numbers, international and national.
    Phone,
}

impl Builtin {
    /// Those of [`Redactor::default`](super::Redactor), the more telling first: of two findings at one place the
    /// first one's kind counts.
    pub const DEFAULT: [Self; 9] = [
        Self::Pem,
        Self::Jwt,
        Self::ApiKey,
        Self::Email,
        Self::Iban,
        Self::CreditCard,
        Self::IpAddress,
        Self::NationalId,
        Self::Phone,
    ];

    /// Returns the word for what it finds.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pem => "pem",
            Self::Jwt => "jwt",
            Self::ApiKey => "api_key",
            Self::Email => "email",
            Self::Iban => "iban",
            Self::CreditCard => "credit_card",
            Self::IpAddress => "ip_address",
            Self::NationalId => "national_id",
            Self::Phone => "phone",
        }
    }

    /// Returns the detector of a word.
    pub fn named(word: &str) -> Option<Self> {
        Self::DEFAULT.into_iter().find(|one| one.as_str() == word)
    }
}

impl Detector for Builtin {
    fn name(&self) -> &str {
        self.as_str()
    }

    fn kind(&self) -> &str {
        self.as_str()
    }

    fn find(&self, text: &str, found: &mut Vec<Range<usize>>) {
        match self {
            Self::Pem => pem::find(text, found),
            Self::Jwt => jwt::find(text, found),
            Self::ApiKey => key::find(text, found),
            Self::Email => email::find(text, found),
            Self::Iban => iban::find(text, found),
            Self::CreditCard => card::find(text, found),
            Self::IpAddress => ip::find(text, found),
            Self::NationalId => national::find(text, found),
            Self::Phone => phone::find(text, found),
        }
    }
}
