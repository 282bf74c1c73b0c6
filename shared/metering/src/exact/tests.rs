use super::divisor::short_divisor;
use super::*;
use proptest::prelude::*;

fn exact(text: &str) -> Exact {
    text.parse().unwrap()
}

#[test]
fn decimal_texts_are_read_exactly() {
    for (text, mantissa, scale) in [
        ("0", 0, 0),
        ("-12.50", -125, 1),
        ("+7", 7, 0),
        (".5", 5, 1),
        ("5.", 5, 0),
        ("1e3", 1000, 0),
        ("1.25E-4", 125, 6),
        ("0.000000000000000000000000000000000001", 1, 36),
        ("2.000000000000000000000000000000000000000000000", 2, 0),
    ] {
        assert_eq!(exact(text), Exact::decimal(mantissa, scale).unwrap(), "{text}");
    }
}

#[test]
fn other_texts_are_refused() {
    for text in ["", "-", ".", "NaN", "inf", "1,5", "1 ", "0x10", "1e", "1e+", "--1", "1.2.3", "1.2x", "٣"] {
        assert_eq!(Exact::parse(text), Err(ExactError::NotANumber), "{text}");
    }
    assert_eq!(Exact::parse(&"9".repeat(40)), Err(ExactError::TooLarge));
    assert_eq!(Exact::parse("1e999"), Err(ExactError::TooLarge));
}

#[test]
fn rounding_follows_the_named_rule() {
    // (value, half away, half even, up, down); the first four are figures of official invoices.
    for (text, away, even, up, down) in [
        ("365.125", 36513, 36512, 36513, 36512),
        ("79.665", 7967, 7966, 7967, 7966),
        ("1253.105", 125_311, 125_310, 125_311, 125_310),
        ("-156435.885", -15_643_589, -15_643_588, -15_643_589, -15_643_588),
        ("0.015", 2, 2, 2, 1),
        ("0.014", 1, 1, 2, 1),
        ("-0.011", -1, -1, -2, -1),
        ("3.10", 310, 310, 310, 310),
    ] {
        let value = exact(text);
        let rounded = |rule| value.round(2, rule).unwrap();
        assert_eq!(rounded(Rounding::HalfAwayFromZero), away, "{text}");
        assert_eq!(rounded(Rounding::HalfEven), even, "{text}");
        assert_eq!(rounded(Rounding::Up), up, "{text}");
        assert_eq!(rounded(Rounding::Down), down, "{text}");
    }
}

#[test]
fn thirds_are_kept_and_shown_rounded() {
    let third = Exact::ratio(1, 3).unwrap();
    assert_eq!(third.mul(&Exact::integer(3)).unwrap(), Exact::ONE);
    assert_eq!(third.display(4), "0.3333");
    assert_eq!(exact("1912.4400").display(6), "1912.44");
    assert_eq!(Exact::ratio(1_000_001, 2_000_001).unwrap().display(7), "0.5000002");
    assert_eq!(Exact::ratio(30_000_001, 100_000_003).unwrap().display(3), "0.3");
    assert_eq!(exact("1200").display(2), "1200");
    assert_eq!(exact("-0.05").display(2), "-0.05");
}

#[test]
fn more_digits_than_the_scale_are_no_scaled_number() {
    assert_eq!(exact("1.234").to_scaled(2), Err(ExactError::TooManyDigits(2)));
    assert_eq!(exact("1.230").to_scaled(2), Ok(123));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let large = Exact::integer(i128::MAX);
    assert_eq!(large.add(&Exact::ONE), Err(ExactError::TooLarge));
    assert_eq!(large.mul(&Exact::integer(2)), Err(ExactError::TooLarge));
    assert_eq!(Exact::ONE.div(&Exact::ZERO), Err(ExactError::DivisionByZero));
}

proptest! {
    #[test]
    fn the_short_divisor_is_the_greatest(a: u64, b: u64, shift in 0_u32..60) {
        let (mut x, mut y) = (a >> shift, b);
        while y != 0 {
            (x, y) = (y, x % y);
        }
        prop_assert_eq!(short_divisor(a >> shift, b), x);
    }

    #[test]
    fn the_digits_of_a_decimal_are_as_many_as_it_needs(n in -1_000_000_i64..1_000_000, twos in 0_u32..20, fives in 0_u32..20, other in prop_oneof![Just(1_i128), Just(3), Just(7)]) {
        let value = Exact::ratio(i128::from(n), 2_i128.pow(twos) * 5_i128.pow(fives) * other).unwrap();
        let needed = (0..=20).find(|digits| value.to_scaled(*digits).is_ok());
        prop_assert_eq!(value.decimal_digits(), needed);
    }

    #[test]
    fn order_agrees_with_cross_multiplication(a in -10_000_i64..10_000, b in 1_i64..500, c in -10_000_i64..10_000, d in 1_i64..500) {
        let left = Exact::ratio(i128::from(a), i128::from(b)).unwrap();
        let right = Exact::ratio(i128::from(c), i128::from(d)).unwrap();
        prop_assert_eq!(left.cmp(&right), (a * d).cmp(&(c * b)));
    }

    #[test]
    fn addition_is_associative(values in proptest::collection::vec((-1_000_000_i64..1_000_000, 1_i64..60), 3)) {
        let [a, b, c] = [0, 1, 2].map(|i: usize| Exact::ratio(i128::from(values[i].0), i128::from(values[i].1)).unwrap());
        prop_assert_eq!(a.add(&b).unwrap().add(&c).unwrap(), a.add(&b.add(&c).unwrap()).unwrap());
    }

    #[test]
    fn rounding_errs_by_half_a_unit_at_most(n in -1_000_000_i64..1_000_000, d in 1_i64..10_000) {
        let value = Exact::ratio(i128::from(n), i128::from(d)).unwrap();
        let rounded = value.round(2, Rounding::HalfAwayFromZero).unwrap();
        let error = (rounded * i128::from(d) - i128::from(n) * 100).abs() * 2;
        prop_assert!(error <= d as i128);
    }

    #[test]
    fn text_and_back_is_the_same(n in any::<i64>(), scale in 0_u32..18) {
        let value = Exact::decimal(i128::from(n), scale).unwrap();
        prop_assert_eq!(exact(&value.display(18)), value);
        let json = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(serde_json::from_str::<Exact>(&json).unwrap(), value);
    }
}
