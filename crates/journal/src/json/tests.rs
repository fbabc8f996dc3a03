//! One value, one spelling; and the vectors of RFC 8785.

use super::{
    Misspelling, NormalizeError, Strict, canonical, elements, member, members, normalize, text,
    unsigned, write_str,
};

fn normal(json: &str) -> String {
    let mut out = Vec::new();
    normalize(&mut out, json.as_bytes(), 2).expect("JSON");
    String::from_utf8(out).expect("UTF-8")
}

fn canon(json: &str) -> String {
    let mut out = Vec::new();
    canonical(&mut out, json.as_bytes()).expect("JSON");
    String::from_utf8(out).expect("UTF-8")
}

fn judge(json: &str) -> Result<(), Misspelling> {
    let mut strict = Strict::new(json.as_bytes());
    strict.value(2)?;
    if strict.at == json.len() {
        Ok(())
    } else {
        Err(Misspelling::Syntax)
    }
}

#[test]
fn every_character_has_one_spelling() {
    for code in (0..0x3000).chain([0xfeff, 0xfffd, 0xffff, 0x1_0000, 0x10_ffff]) {
        let Some(character) = char::from_u32(code) else {
            continue;
        };
        let text = character.to_string();
        let mut out = Vec::new();
        write_str(&mut out, &text);
        let spelled = String::from_utf8(out).expect("UTF-8");
        let expected = match character {
            '"' => r#""\"""#.to_owned(),
            '\\' => r#""\\""#.to_owned(),
            '\u{8}' => r#""\b""#.to_owned(),
            '\t' => r#""\t""#.to_owned(),
            '\n' => r#""\n""#.to_owned(),
            '\u{c}' => r#""\f""#.to_owned(),
            '\r' => r#""\r""#.to_owned(),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                format!("\"\\u{code:04x}\"")
            }
            _ => format!("\"{text}\""),
        };
        assert_eq!(spelled, expected);
        assert_eq!(judge(&spelled), Ok(()));
        assert_eq!(
            super::text(spelled.as_bytes()).as_deref(),
            Some(text.as_str())
        );
        let escaped = format!("\"\\u{code:04x}\"");
        assert_eq!(
            judge(&escaped).is_ok(),
            code < 0x1_0000 && escaped == expected,
            "{escaped}"
        );
        assert_eq!(
            judge(&format!("\"{text}\"")).is_ok(),
            spelled == format!("\"{text}\"")
        );
    }
}

#[test]
fn escapes_are_found_at_every_place_of_a_long_text() {
    for length in 0..40 {
        for at in 0..=length {
            for special in [
                "\n", "\"", "\\", "\u{7f}", "\u{85}", "\u{2028}", "é", "\u{2030}", "😀", "\0",
            ] {
                let text = format!("{}{special}{}", "x".repeat(at), "y".repeat(length - at));
                let mut out = Vec::new();
                write_str(&mut out, &text);
                let spelled = String::from_utf8(out).expect("UTF-8");
                assert_eq!(judge(&spelled), Ok(()));
                assert_eq!(
                    super::text(spelled.as_bytes()).as_deref(),
                    Some(text.as_str())
                );
            }
        }
    }
}

#[test]
fn numbers_lose_exponents_and_needless_zeros_and_nothing_else() {
    for (host, spelled) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0e5", "0"),
        ("0.000e-7", "0"),
        ("0e99999999999999999999", "0"),
        ("1", "1"),
        ("-1", "-1"),
        ("10", "10"),
        ("1.0", "1"),
        ("1.50", "1.5"),
        ("100.010", "100.01"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("1e-3", "0.001"),
        ("-1.25e1", "-12.5"),
        ("-1.25e2", "-125"),
        ("12345e-2", "123.45"),
        ("0.001e3", "1"),
        ("0.0012e3", "1.2"),
        ("1200e-2", "12"),
        ("5e-324", "\"5e-324\""),
        ("18446744073709551616", "18446744073709551616"),
        ("1e39", "1000000000000000000000000000000000000000"),
        ("1e40", "\"1e40\""),
        ("-1e39", "\"-1e39\""),
        ("1e-38", "0.00000000000000000000000000000000000001"),
        ("1e-39", "\"1e-39\""),
        ("-1e-38", "\"-1e-38\""),
        ("1e999999999999999999999", "\"1e999999999999999999999\""),
        (
            "1234567890123456789012345678901234567890",
            "1234567890123456789012345678901234567890",
        ),
        (
            "12345678901234567890123456789012345678901",
            "\"12345678901234567890123456789012345678901\"",
        ),
        ("0.10000000000000000000000000000000000000000000", "0.1"),
    ] {
        assert_eq!(normal(host), spelled, "{host}");
        assert_eq!(judge(spelled), Ok(()), "{spelled}");
        assert_eq!(judge(host).is_ok(), host == spelled, "{host}");
    }
}

#[test]
fn the_last_of_a_key_stays_and_order_is_kept() {
    assert_eq!(
        normal(r#" { "b" : 1 , "a" : [ ] , "b" : { } } "#),
        r#"{"a":[],"b":{}}"#
    );
    assert_eq!(normal(r#"{"a":1,"\u0061":2}"#), r#"{"a":2}"#);
    assert_eq!(normal(r#"{"\ud800":1,"\udfff":2}"#), "{\"\u{fffd}\":2}");
    assert_eq!(
        normal(r#"{"x":{"a":1,"a":2},"y":3,"x":{"c":4,"b":5}}"#),
        r#"{"y":3,"x":{"c":4,"b":5}}"#
    );
    let many: Vec<String> = (0..40).map(|at| format!("\"k{}\":{at}", at % 20)).collect();
    let last: Vec<String> = (20..40)
        .map(|at| format!("\"k{}\":{at}", at % 20))
        .collect();
    assert_eq!(
        normal(&format!("{{{}}}", many.join(","))),
        format!("{{{}}}", last.join(","))
    );
    assert_eq!(
        judge(&format!("{{{}}}", many.join(","))),
        Err(Misspelling::DuplicateKey)
    );
}

#[test]
fn surrogates_are_joined_or_replaced() {
    assert_eq!(normal(r#""\ud83d\ude00\uD83D\/""#), "\"😀\u{fffd}/\"");
    assert_eq!(
        normal(r#""\ude00\ud83d\ud83d\ude00""#),
        "\"\u{fffd}\u{fffd}😀\""
    );
    assert_eq!(
        normal(r#""\u0085\u2028\u0041\u000A""#),
        r#""\u0085\u2028A\n""#
    );
}

#[test]
fn what_is_too_deep_becomes_a_string() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    // The line itself is the first level.
    assert_eq!(normal(&nested(63)), nested(63));
    assert_eq!(judge(&nested(63)), Ok(()));
    assert_eq!(judge(&nested(64)), Err(Misspelling::TooDeep));
    let deep = normal(&nested(64));
    assert_eq!(deep, format!("{}\"[]\"{}", "[".repeat(63), "]".repeat(63)));
    assert_eq!(judge(&deep), Ok(()));
    let far = normal(&nested(1_000_000));
    assert_eq!(judge(&far), Ok(()));
    assert!(matches!(
        canonical(&mut Vec::new(), nested(1_000_000).as_bytes()),
        Err(NormalizeError::TooDeep { .. })
    ));
}

#[test]
fn what_is_no_json_is_refused_and_leaves_nothing() {
    for bad in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\"}",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "nul",
        "truex",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "[1]]",
        "[1 2]",
        "{1:2}",
        "NaN",
        "\u{feff}1",
    ] {
        let mut out = b"before".to_vec();
        assert!(
            matches!(
                normalize(&mut out, bad.as_bytes(), 2),
                Err(NormalizeError::NotJson { .. })
            ),
            "{bad}"
        );
        assert_eq!(out, b"before");
        assert!(canonical(&mut out, bad.as_bytes()).is_err(), "{bad}");
        assert!(judge(bad).is_err(), "{bad}");
    }
    assert_eq!(
        normalize(&mut Vec::new(), b"\"\xff\"", 2),
        Err(NormalizeError::NotJson { offset: 1 })
    );
}

#[test]
fn raw_values_come_in_order() {
    let object = br#" {"b": [1, {"x":2}], "a\n": "t\u0041", "b":7 } "#;
    let found: Vec<_> = members(object)
        .map(|member| member.expect("valid"))
        .collect();
    assert_eq!(found.len(), 3);
    assert_eq!(
        (found[1].0.as_ref(), found[1].1),
        ("a\n", br#""t\u0041""#.as_slice())
    );
    assert_eq!(member(object, "b").and_then(unsigned), Some(7));
    assert_eq!(text(found[1].1).as_deref(), Some("tA"));
    let inner: Vec<_> = elements(found[0].1)
        .map(|element| element.expect("valid"))
        .collect();
    assert_eq!(inner, [b"1".as_slice(), br#"{"x":2}"#]);
    assert_eq!(elements(b"[]").count(), 0);
    assert_eq!(elements(b"{}").filter(Result::is_err).count(), 1);
    assert_eq!(members(b"\xff").filter(Result::is_err).count(), 1);
    assert_eq!(
        (unsigned(b"-1"), unsigned(b""), unsigned(b"1.0")),
        (None, None, None)
    );
}

/// RFC 8785, section 3.2.2 and 3.2.3.
#[test]
fn canonical_form_of_the_rfc() {
    let input = r#"{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"#;
    let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
    assert_eq!(canon(input), expected);
    let input = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
        "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
    let expected = [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ];
    let sorted = canon(input);
    let values: Vec<String> = members(sorted.as_bytes())
        .map(|member| text(member.expect("valid").1).expect("a text").into_owned())
        .collect();
    assert_eq!(values, expected);
}

/// RFC 8785, appendix B.
#[test]
fn canonical_numbers_of_the_rfc() {
    for (bits, expected) in [
        (0x0000_0000_0000_0000_u64, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] {
        assert_eq!(canon(&format!("{:e}", f64::from_bits(bits))), expected);
    }
    assert_eq!(
        canonical(&mut Vec::new(), b" 1e400"),
        Err(NormalizeError::NumberRange { offset: 1 })
    );
}

#[test]
fn canonical_keys_sort_by_code_units_and_the_last_stays() {
    assert_eq!(canon(r#"{"b":1,"a":2,"b":3}"#), r#"{"a":2,"b":3}"#);
    assert_eq!(
        canon(r#"{"\n":1,"\"":2,"!":3,"":4}"#),
        r#"{"":4,"\n":1,"!":3,"\"":2}"#
    );
    assert_eq!(
        canon("{\"\u{ffff}\":1,\"😀\":2}"),
        "{\"😀\":2,\"\u{ffff}\":1}"
    );
    assert_eq!(
        canon("\"\u{7f}\u{2028}\\u2028\""),
        "\"\u{7f}\u{2028}\u{2028}\""
    );
}
