//! How many invoices a second one core rates, and how that grows with their lines: `make bench-rating`.
//!
//! Each line of an invoice has another price: per unit with something included, per million, tiers
//! of both kinds, packages, fees and an attribute. Usage is given as measured; reading and measuring
//! it is no part of this. Three figures: the lines with how each amount came about, the same as the
//! canonical bytes of an invoice, and the amounts alone.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "a benchmark needs a clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use invoicing::{Header, Party, Provenance, assemble};
use metering::exact::Exact;
use metering::measure::Measurement;
use metering::period::Period;
use pricing::{Plan, RatedLine, RatingInput, StreamUsage, Term, rate, rate_amounts};
use serde_json::{Value, json};

/// The models in turn.
fn price(index: usize) -> Value {
    match index % 5 {
        0 => json!({"per-unit": "0.023", "included": 100}),
        1 => json!({"per-unit": "0.20", "unit-size": 1_000_000}),
        2 => {
            json!({"graduated": [{"up-to": 50, "per-unit": "0.09"}, {"up-to": 500, "per-unit": "0.07"}, {"per-unit": "0.05"}]})
        }
        3 => json!({"volume": [{"up-to": 100, "per-unit": "1.10", "flat": 5}, {"per-unit": "0.95", "flat": 5}]}),
        _ => json!({"per-unit": 5, "unit-size": 100, "packages": "up"}),
    }
}

struct Bench {
    plan: Plan,
    usage: Vec<BTreeMap<String, StreamUsage>>,
    attributes: BTreeMap<String, String>,
    period: Period,
}

impl Bench {
    /// Invoices of so many lines; three are a fee, another fee and an attribute.
    fn new(lines: usize) -> Self {
        let metered = lines.saturating_sub(3);
        let name = |index: usize| format!("component-{index}");
        let stream = |index: usize| {
            let stream = json!({"name": name(index), "title": "Data read", "unit": "GB", "scale": 6, "kind": "delta",
                "day": "sum", "month": "sum"});
            (name(index), serde_json::from_value(stream).unwrap())
        };
        let component = |index: usize| json!({"name": name(index), "title": format!("Component {index}"), "stream": name(index), "price": price(index)});
        let tier =
            json!({"name": "tier", "title": "Client", "price": {"by-attribute": "tier", "amounts": {"gold": 100}}});
        let all = (0..metered).map(component).chain([tier]);
        let components: BTreeMap<_, _> = all
            .map(|spec| (spec["name"].as_str().unwrap().to_owned(), serde_json::from_value(spec).unwrap()))
            .collect();
        let names: Vec<&String> = components.keys().collect();
        let plan = json!({"name": "plan", "title": "Plan", "currency": "USD", "components": names,
            "recurring": [{"title": "Platform", "amount": 500}, {"title": "Support", "amount": 250}]});
        let plan =
            Plan::compile(&serde_json::from_value(plan).unwrap(), &components, &(0..metered).map(stream).collect());
        // A hundred customers that used different amounts.
        let used = |customer: usize, index: usize| {
            let micros = (customer * 7_919 + index * 104_729) % 1_000_003 * 997;
            let total = Exact::decimal(i128::try_from(micros).unwrap(), 6).unwrap();
            let total = Measurement { total, days: Vec::new(), samples: 700 };
            (name(index), StreamUsage { total, deployments: BTreeMap::new() })
        };
        Self {
            plan: plan.unwrap(),
            usage: (0..100).map(|customer| (0..metered).map(|index| used(customer, index)).collect()).collect(),
            attributes: BTreeMap::from([("tier".to_owned(), "gold".to_owned())]),
            period: Period::parse_month("2026-02", "America/New_York".parse().unwrap()).unwrap(),
        }
    }

    /// Invoices a second.
    fn run<T>(&self, rate: impl Fn(&Plan, &RatingInput<'_>) -> T, least: Duration) -> u128 {
        let term = Term { from: "2025-01-01".parse().unwrap(), until: None };
        let (start, mut invoices) = (spent(), 0_u128);
        while spent() - start < least {
            for usage in &self.usage {
                let (period, attributes) = (&self.period, &self.attributes);
                let input = RatingInput::alone("customer", period, term, attributes, usage);
                drop(black_box(rate(&self.plan, black_box(&input))));
                invoices += 1;
            }
        }
        invoices * 1_000_000 / (spent() - start).as_micros()
    }

    /// The canonical bytes of the invoice.
    fn document(&self, lines: &[RatedLine]) -> String {
        let party = |name: &str| Party {
            name: name.to_owned(),
            lines: vec!["1 Main Street".to_owned(), "Springfield".to_owned()],
            ids: vec![("VAT ID".to_owned(), "DE326745918".to_owned())],
        };
        let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        let header = Header {
            id: "customer/2026-02".to_owned(),
            number: Some("INV-000001".to_owned()),
            account: "customer".to_owned(),
            issued: day(1),
            due: day(31),
            seller: party("Seller"),
            customer: party("Customer"),
            currency: self.plan.currency,
            plan: self.plan.title.clone(),
            period: self.period.clone(),
            history: Vec::new(),
            payment: Vec::new(),
            notes: Vec::new(),
            provenance: Provenance { catalogue: "0".repeat(64), directory: "0".repeat(64), inputs: "0".repeat(64) },
        };
        assemble(header, lines, &[]).unwrap().canonical_json().unwrap()
    }
}

/// The time that this process has been on a processor, where the system tells it: others may run on
/// the machine. Otherwise the time of day.
fn spent() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let told = std::fs::read_to_string("/proc/self/schedstat").ok();
    let nanoseconds = told.as_deref().and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| START.get_or_init(Instant::now).elapsed(), Duration::from_nanos)
}

fn main() {
    // With an argument: so many milliseconds each, for profilers.
    let least = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let least = Duration::from_millis(least);
    println!("{:>23}  {:>12}  {:>12}  {:>12}", "invoices a second", "explained", "as JSON", "amounts only");
    for lines in [20, 200, 2_000] {
        let bench = Bench::new(lines);
        let explained = bench.run(|plan, input| rate(plan, input).unwrap(), least);
        let written = bench.run(|plan, input| bench.document(&rate(plan, input).unwrap()), least);
        let amounts = bench.run(|plan, input| rate_amounts(plan, input).unwrap(), least);
        println!("{lines:>17} lines  {explained:>12}  {written:>12}  {amounts:>12}");
    }
}
