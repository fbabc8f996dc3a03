//! Keys that are told by how they begin.

use std::ops::Range;

use super::random::{is_body, is_placeholder};

/// What a key's body is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    /// Letters and digits.
    Plain,
    /// Those, `_` and `-`.
    Word,
    /// Those and dots.
    Dotted,
    /// Capitals and digits.
    Upper,
    /// Hexadecimal digits.
    Hex,
    /// Base64 with its `+`, `/` and `=`.
    Base64,
    /// Hexadecimal digits and hyphens.
    Uuid,
}

use Body::{Base64, Dotted, Hex, Plain, Upper, Uuid, Word};

/// How a key begins, what follows, how many characters at least and at most.
#[rustfmt::skip]
const SHAPES: [(&str, Body, usize, usize); 220] = [
    ("AGE-SECRET-KEY-1", Upper, 58, 58),
    ("ATATT3", Base64, 40, 220),
    ("ATCTT3", Base64, 40, 220),
    ("ABIA", Upper, 16, 16),
    ("ACCA", Upper, 16, 16),
    ("AIza", Word, 30, 45),
    ("AKIA", Upper, 12, 20),
    ("AROA", Upper, 16, 17),
    ("ASIA", Upper, 12, 20),
    ("A3T", Upper, 17, 17),
    ("AC", Hex, 32, 32),
    ("CLOJARS_", Plain, 40, 80),
    ("EAACEdEose0cBA", Plain, 16, 300),
    ("EAAA", Word, 56, 80),
    ("EAA", Plain, 60, 260),
    ("FLWSECK_TEST-", Word, 12, 64),
    ("FLWSECK-", Word, 12, 64),
    ("GR1348941", Word, 18, 24),
    ("GOCSPX-", Word, 20, 40),
    ("LTAI", Plain, 16, 26),
    ("NRAK-", Plain, 20, 40),
    ("NRII-", Word, 24, 44),
    ("NRJS-", Plain, 16, 40),
    ("PMAK-", Word, 30, 80),
    ("SG.", Dotted, 30, 90),
    ("SK", Hex, 32, 32),
    ("account_", Plain, 64, 64),
    ("api_org_", Plain, 30, 44),
    ("bkua_", Hex, 30, 60),
    ("cfut_", Word, 30, 60),
    ("co_", Plain, 35, 48),
    ("dckr_pat_", Word, 20, 40),
    ("doo_v1_", Hex, 40, 64),
    ("dop_v1_", Plain, 32, 64),
    ("dor_v1_", Hex, 40, 64),
    ("dt0c01.", Dotted, 40, 120),
    ("do_v1_", Hex, 40, 64),
    ("dp.ct.", Plain, 36, 50),
    ("dp.pt.", Plain, 36, 50),
    ("dp.st.", Dotted, 36, 70),
    ("dapi", Plain, 30, 38),
    ("eyJrIjoi", Base64, 60, 400),
    ("figd_", Word, 30, 60),
    ("fal_", Word, 30, 80),
    ("fo1_", Word, 40, 60),
    ("fw_", Plain, 20, 48),
    ("github_pat_", Word, 30, 120),
    ("glagent-", Word, 20, 60),
    ("glimt-", Word, 16, 60),
    ("glpat-", Dotted, 16, 80),
    ("glptt-", Word, 20, 60),
    ("gldt-", Word, 16, 60),
    ("glft-", Word, 16, 60),
    ("glrt-", Dotted, 16, 60),
    ("glsa_", Word, 30, 60),
    ("ghe_", Plain, 30, 60),
    ("gho_", Plain, 30, 60),
    ("ghp_", Plain, 30, 60),
    ("ghr_", Plain, 30, 90),
    ("ghs_", Plain, 30, 90),
    ("ghu_", Plain, 30, 60),
    ("glc_", Base64, 32, 400),
    ("gsk_", Plain, 30, 70),
    ("hvb.", Word, 60, 400),
    ("hvs.", Word, 20, 200),
    ("hf_", Plain, 25, 50),
    ("ico-", Plain, 30, 40),
    ("key-", Plain, 30, 36),
    ("lin_api_", Plain, 30, 60),
    ("lsv2_pt_", Word, 30, 80),
    ("lsv2_sk_", Word, 30, 80),
    ("live_", Plain, 35, 80),
    ("nvapi-", Word, 40, 90),
    ("napi_", Plain, 30, 80),
    ("nfp_", Plain, 30, 60),
    ("npm_", Plain, 30, 60),
    ("ntn_", Plain, 40, 60),
    ("oy2", Plain, 43, 43),
    ("pscale_tkn_", Dotted, 30, 70),
    ("pscale_pw_", Dotted, 30, 70),
    ("pat-eu1-", Word, 30, 60),
    ("pat-na1-", Word, 30, 60),
    ("pk_live_", Plain, 16, 120),
    ("pk_test_", Plain, 16, 120),
    ("pubkey-", Plain, 30, 36),
    ("pplx-", Plain, 30, 70),
    ("pypi-", Word, 40, 300),
    ("phc_", Plain, 30, 60),
    ("phx_", Plain, 30, 60),
    ("pnu_", Plain, 30, 44),
    ("pul-", Hex, 40, 40),
    ("rubygems_", Hex, 40, 60),
    ("rk_live_", Plain, 16, 120),
    ("rk_test_", Plain, 16, 120),
    ("rdme_", Plain, 60, 80),
    ("r8_", Plain, 30, 50),
    ("shippo_live_", Hex, 36, 44),
    ("shippo_test_", Hex, 36, 44),
    ("s-s4t2af-", Hex, 60, 70),
    ("s-s4t2ud-", Hex, 60, 70),
    ("sk_live_", Plain, 16, 120),
    ("sk_prod_", Plain, 30, 200),
    ("sk_test_", Plain, 16, 120),
    ("secret_", Plain, 40, 50),
    ("sq0atp-", Word, 20, 64),
    ("sq0csp-", Word, 40, 50),
    ("shpat_", Plain, 28, 40),
    ("shpca_", Plain, 28, 40),
    ("shppa_", Plain, 28, 40),
    ("shpss_", Plain, 28, 40),
    ("sbp_", Hex, 36, 48),
    ("sgp_", Word, 36, 70),
    ("sk-", Word, 18, 220),
    ("sk_", Hex, 48, 48),
    ("sl.", Word, 100, 300),
    ("tk-us-", Word, 40, 60),
    ("tvly-", Word, 20, 60),
    ("whsec_", Base64, 20, 90),
    ("xai-", Word, 40, 100),
    // More of the same, several a line.
    ("A3-", Word, 30, 36), ("AKCp", Plain, 60, 80), ("AKID", Plain, 28, 44), ("AKLT", Base64, 36, 64),
    ("ALTAK-", Plain, 20, 24), ("AQVN", Word, 35, 38), ("ATBB", Plain, 24, 40), ("BSA", Word, 26, 30),
    ("CCIPAT_", Word, 40, 80), ("CCIPRJ_", Word, 40, 80), ("CFPAT-", Word, 40, 60), ("EZAK", Plain, 54, 54),
    ("EZTK", Plain, 54, 54), ("FLWPUBK_TEST-", Word, 12, 64), ("FLWPUBK-", Word, 12, 64), ("GOOG", Upper, 20, 61),
    ("HRKU-", Word, 36, 70), ("PMAT-", Word, 26, 40), ("SCW", Upper, 17, 17), ("access-development-", Uuid, 36, 36),
    ("access-production-", Uuid, 36, 36), ("access-sandbox-", Uuid, 36, 36), ("aio_", Plain, 28, 28),
    ("amzn.mws.", Uuid, 36, 36), ("api-", Uuid, 36, 36), ("bb_live_", Word, 20, 40), ("bce-v3/", Base64, 40, 110),
    ("cfat_", Word, 30, 60), ("cfk_", Word, 30, 60), ("cmVmdGtu", Plain, 50, 64), ("cnvca", Word, 40, 60),
    ("csk-", Plain, 40, 60), ("dckr_oat_", Word, 20, 40), ("dp.audit.", Dotted, 36, 50), ("dp.sa.", Dotted, 36, 50),
    ("dp.scim.", Dotted, 36, 50), ("dt0s01.", Dotted, 40, 120), ("duffel_live_", Word, 36, 60),
    ("duffel_test_", Word, 36, 60), ("e2b_", Hex, 36, 48), ("esecret_", Plain, 20, 40), ("fc-", Hex, 32, 32),
    ("fio-u-", Word, 50, 80), ("fm1a_", Base64, 80, 1000), ("fm1r_", Base64, 80, 1000), ("fm2_", Base64, 80, 1000),
    ("glcbt-", Word, 16, 80), ("glffct-", Word, 16, 60), ("gloas-", Word, 20, 80), ("glsoat-", Word, 16, 60),
    ("hcaik_", Plain, 40, 80), ("hcaic_", Plain, 40, 80), ("hcxik_", Plain, 40, 80), ("hvr.", Word, 60, 400),
    ("jina_", Word, 40, 80), ("lin_oauth_", Plain, 30, 70), ("ls__", Hex, 32, 32), ("mob-", Uuid, 36, 36),
    ("oauth:", Plain, 30, 30), ("ops_eyJ", Base64, 100, 2000), ("pa-", Word, 43, 43), ("pat-ap1-", Word, 30, 60),
    ("pat-na2-", Word, 30, 60), ("pcsk_", Word, 50, 90), ("pk-lf-", Uuid, 36, 36), ("pk.eyJ", Dotted, 60, 250),
    ("pnb_", Plain, 30, 44), ("pscale_oauth_", Dotted, 30, 70), ("re_", Word, 30, 40), ("rk_prod_", Plain, 30, 200),
    ("rnd_", Plain, 28, 32), ("rzp_live_", Plain, 14, 24), ("rzp_test_", Plain, 14, 24),
    ("samsara_api_", Plain, 20, 60), ("sb_publishable_", Word, 20, 60), ("sb_secret_", Word, 20, 60),
    ("sdk-", Uuid, 36, 36), ("sha256~", Word, 40, 48), ("shpua_", Plain, 28, 40), ("sk.eyJ", Dotted, 60, 250),
    ("sk_sbox_", Plain, 20, 40), ("sntrys_", Base64, 40, 400), ("sntryu_", Hex, 60, 68), ("sqa_", Hex, 40, 40),
    ("sqp_", Hex, 40, 40), ("squ_", Hex, 40, 40), ("tfp_", Word, 40, 80), ("tgp_v1_", Word, 40, 60),
    ("tr_dev_", Plain, 20, 40), ("tr_prod_", Plain, 20, 40), ("tskey-", Word, 20, 90), ("vca_", Plain, 24, 80),
    ("vck_", Plain, 24, 80), ("vcp_", Plain, 24, 80), ("vercel_blob_rw_", Word, 20, 60), ("vk1.a.", Word, 80, 300),
    ("wandb_v1_", Word, 40, 100), ("xkeysib-", Word, 60, 100), ("xsmtpsib-", Word, 60, 100), ("y0_", Word, 55, 80),
    ("zpka_", Word, 30, 60),
];
/// Keys whose body has several parts.
const PARTED: [(&str, usize); 11] = [
    ("xwfp-", 20),
    ("xapp-", 20),
    ("xoxa-", 10),
    ("xoxb-", 10),
    ("xoxe.", 20),
    ("xoxe-", 20),
    ("xoxo-", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("ya29.", 20),
];
/// URLs that are a credential as a whole.
const HOOKS: [(&str, usize); 5] = [
    ("https://hooks.slack.com/services/", 30),
    ("https://hooks.slack.com/workflows/", 30),
    ("https://discord.com/api/webhooks/", 60),
    ("https://discordapp.com/api/webhooks/", 60),
    ("https://hooks.zapier.com/hooks/catch/", 12),
];

/// What the URLs of Telegram's bots have before the token.
const BOT: &str = "bot";

/// The second characters that are looked for behind each first one, as bits.
static SECONDS: [u128; 128] = seconds();

const fn seconds() -> [u128; 128] {
    let mut seconds = [0; 128];
    let mut at = 0;
    while at < SHAPES.len() {
        add(&mut seconds, SHAPES[at].0);
        at += 1;
    }
    at = 0;
    while at < PARTED.len() {
        add(&mut seconds, PARTED[at].0);
        at += 1;
    }
    at = 0;
    while at < HOOKS.len() {
        add(&mut seconds, HOOKS[at].0);
        at += 1;
    }
    add(&mut seconds, BOT);
    seconds
}

const fn add(seconds: &mut [u128; 128], prefix: &str) {
    let prefix = prefix.as_bytes();
    seconds[prefix[0] as usize] |= 1 << prefix[1];
}

/// Says whether a text's first two characters are those of anything looked for.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let [first, second, ..] = bytes else {
        return false;
    };
    first.is_ascii_digit()
        || may_be_dotted(bytes)
        || first.is_ascii() && second.is_ascii() && SECONDS[usize::from(*first)] >> second & 1 == 1
}

/// Finds a key that begins at a place.
pub(super) fn find(text: &str, at: usize) -> Option<Range<usize>> {
    let word = &text[at..];
    if word.starts_with(|first: char| first.is_ascii_digit()) {
        return bot_token_len(word).map(|len| at..at + len);
    }
    if let Some(len) = word.strip_prefix(BOT).and_then(bot_token_len) {
        return Some(at + BOT.len()..at + BOT.len() + len);
    }
    let len = prefixed_len(word)
        .or_else(|| parted_len(word))
        .or_else(|| hook_len(word))
        .or_else(|| dotted_len(word));
    len.map(|len| at..at + len)
}

fn is_in(body: Body, byte: u8) -> bool {
    match body {
        Plain => byte.is_ascii_alphanumeric(),
        Word => byte.is_ascii_alphanumeric() || b"_-".contains(&byte),
        Dotted => byte.is_ascii_alphanumeric() || b"_-.".contains(&byte),
        Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        Hex => byte.is_ascii_hexdigit(),
        Uuid => byte.is_ascii_hexdigit() || byte == b'-',
        Base64 => byte.is_ascii_alphanumeric() || b"_-+/=".contains(&byte),
    }
}

fn prefixed_len(word: &str) -> Option<usize> {
    let first = word.as_bytes()[0];
    let mut shapes = SHAPES
        .iter()
        .filter(|(prefix, ..)| prefix.as_bytes()[0] == first);
    shapes.find_map(|(prefix, body, least, most)| {
        let rest = word.strip_prefix(prefix)?;
        let len = rest
            .bytes()
            .take(most + 1)
            .take_while(|byte| is_in(*body, *byte))
            .count();
        let found = rest[..len].trim_end_matches(['.', '-', '_']);
        let next = rest[found.len()..].bytes().next();
        let is_whole = len <= *most && !next.is_some_and(|byte| byte.is_ascii_alphanumeric());
        (is_whole && found.len() >= *least && is_body(found)).then_some(prefix.len() + found.len())
    })
}

fn parted_len(word: &str) -> Option<usize> {
    let (prefix, least) = PARTED.iter().find(|(prefix, _)| word.starts_with(prefix))?;
    let rest = &word[prefix.len()..];
    let len = rest
        .bytes()
        .take(2048)
        .take_while(|byte| is_in(Dotted, *byte))
        .count();
    let found = rest[..len].trim_end_matches(['.', '-']);
    (found.len() >= *least && is_body(found)).then_some(prefix.len() + found.len())
}

fn hook_len(word: &str) -> Option<usize> {
    let (prefix, least) = HOOKS.iter().find(|(prefix, _)| word.starts_with(prefix))?;
    let rest = &word[prefix.len()..];
    let len = rest
        .bytes()
        .take(256)
        .take_while(|byte| is_in(Word, *byte) || *byte == b'/')
        .count();
    let found = rest[..len].trim_end_matches('/');
    (found.len() >= *least && !is_placeholder(found)).then_some(prefix.len() + found.len())
}

/// Says whether the dot of a token of Discord or Airtable stands where it would.
fn may_be_dotted(bytes: &[u8]) -> bool {
    match bytes[0] {
        b'M' | b'N' | b'O' => bytes.get(23..29).is_some_and(|dot| dot.contains(&b'.')),
        b'p' => bytes.get(17) == Some(&b'.') && bytes.starts_with(b"pat"),
        _ => false,
    }
}

/// Tokens of three parts (Discord) and of two (Airtable), each of its own length.
fn dotted_len(word: &str) -> Option<usize> {
    let len = word
        .bytes()
        .take(100)
        .take_while(|byte| is_in(Dotted, *byte))
        .count();
    let token = word[..len].trim_end_matches('.');
    let parts: Vec<&str> = token.split('.').collect();
    let is_token = match parts.as_slice() {
        [user, time, code] => {
            (23..=28).contains(&user.len())
                && (5..=7).contains(&time.len())
                && (25..=45).contains(&code.len())
                && !word.starts_with("pat")
                && is_body(user)
                && is_body(code)
        }
        [id, secret] => {
            id.len() == 17 && secret.len() == 64 && secret.bytes().all(|byte| is_in(Hex, byte))
        }
        _ => false,
    };
    is_token.then_some(token.len())
}

/// A bot's number, a colon, and its token.
fn bot_token_len(word: &str) -> Option<usize> {
    let number = word.bytes().take(11).take_while(u8::is_ascii_digit).count();
    let token = word[number..].strip_prefix(':')?;
    let len = token
        .bytes()
        .take(40)
        .take_while(|byte| is_in(Word, *byte))
        .count();
    let is_token =
        (8..=10).contains(&number) && (34..=36).contains(&len) && token.starts_with("AA");
    is_token.then_some(number + 1 + len)
}
