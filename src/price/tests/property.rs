//! What holds for every call: the parts make the whole, nothing is negative, a discount is exact.

use super::*;

proptest::proptest! {
    /// What a call costs is what its units come to; nothing is ever negative, and less is never dearer.
    #[test]
    fn the_parts_make_the_whole(
        input in 0_u64..400_000, read in 0_u64..100_000, write in 0_u64..100_000, hourly in 0_u64..100_000,
        output in 0_u64..50_000, thinking in 0_u64..60_000, audio in 0_u64..50_000, model in 0_usize..1466,
        tier in 0_usize..4, percent in 0_u32..=1_000,
    ) {
        let contract = format!(
            r#"{{"table":"c","date":"2026-11-01","overrides":[{{"name":"all","discount_percent":{}}}]}}"#,
            Decimal::new(percent.into(), 1)
        );
        let embedded = PriceTable::embedded();
        let table = PriceTable::from_json(contract.as_bytes(), Timestamp::default()).expect("valid");
        let table = table.over(embedded.clone());
        let place = embedded.layers[0].providers.iter();
        let (provider, model) = place
            .flat_map(|provider| provider.models.iter().map(move |model| (provider, model)))
            .nth(model)
            .expect("as many as the table has");
        let mut charge = charge(input + read + write, output);
        charge.usage.cache_read_tokens = Some(read);
        charge.usage.cache_write_tokens = Some(write);
        charge.usage.cache_write_1h_tokens = Some(hourly.min(write));
        charge.usage.thinking_tokens = Some(thinking);
        charge.extras.media.input_audio = Some(audio);
        charge.conditions.tier = [None, Some("batch"), Some("priority"), Some("unheard")][tier];
        let found = Found {
            layers: &embedded.layers,
            table: &embedded.layers[0],
            served: &provider.id,
            provider,
            model,
            asked: &model.id,
        };
        let sum = Sum::of(&found, &charge);
        let dear = sum.outcome.clone();
        if let Ok(amount) = &sum.outcome {
            let mut parts = number::Sum::default();
            for line in &sum.lines {
                parts = parts.add(line.price, line.quantity, line.unit.per_price()).expect("fits");
            }
            proptest::prop_assert_eq!(parts.amount(), Some(*amount));
            proptest::prop_assert!(!amount.is_sign_negative());
            let tokens: u64 = sum.lines.iter().filter(|line| line.unit.is_tokens()).map(|line| line.quantity).sum();
            let free = !sum.lines.is_empty();
            proptest::prop_assert!(!free || tokens <= input + read + write + output);
        } else {
            proptest::prop_assert!(!sum.reasons().is_empty());
        }
        let cheap = Sum::of(&Found { layers: &table.layers, ..found }, &charge).outcome;
        if let (Ok(dear), Ok(cheap)) = (dear, cheap) {
            let kept = Decimal::new(1_000 - i64::from(percent), 3);
            proptest::prop_assert_eq!(cheap, (dear * kept).normalize());
        }
    }
}
