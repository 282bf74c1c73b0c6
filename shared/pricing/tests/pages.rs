//! The pages of `docs/prices` are true: each catalogue is read as a user's is, the usage of each
//! example is counted, measured and rated, and comes out as the page says, word by word.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;
use std::path::Path;

use catalog::{Catalogue, Subscription};
use chrono::NaiveDate;
use metering::exact::Exact;
use metering::measure::SeriesUsage;
use metering::period::{Period, start_of_day};
use metering::select::{Condition, Query, Selected};
use metering::stream::Stream;
use metering::tally::{Cells, SeriesKey};
use metering::time::{Instant, Span};
use pricing::{
    Agreement, Amount, History, Metered, RatedLine, RatingInput, Stretch, Term, Usage, UsageError, UsageWithin, rate,
    rate_agreement, text,
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/prices");
const SELLER: &str = "seller: {name: Nimbus, address: [Berlin], currency: USD, zone: UTC}\n";
const HOUR: i64 = 3_600_000;
const ALWAYS: [Span; 1] = [Span { from: Instant(i64::MIN), until: Instant(i64::MAX) }];

#[test]
fn every_example_comes_out_as_its_page_says() {
    let mut pages: Vec<_> = std::fs::read_dir(Path::new(FOLDER)).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    assert!(pages.len() >= 10, "{pages:?}");
    let mut wrong = Vec::new();
    for page in &pages {
        let examples = examples(&std::fs::read_to_string(page).unwrap());
        assert!(!examples.is_empty(), "{} has no example", page.display());
        for (yaml, said) in examples {
            let found = shown(&yaml, said.lines().next().unwrap());
            if found != said {
                wrong.push(format!("{}\nsays\n{said}\nis\n{found}\n", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The catalogue that each example belongs to, and the example. A block of streams alone is for the
/// whole page.
fn examples(page: &str) -> Vec<(String, String)> {
    let (mut streams, mut prices, mut found) = (String::new(), String::new(), Vec::new());
    for block in page.split("```").skip(1).step_by(2) {
        let (language, block) = block.split_once('\n').unwrap();
        match language {
            "yaml" if block.starts_with("streams:") && !block.contains("\ncomponents:") => streams = block.to_owned(),
            "yaml" => prices = block.to_owned(),
            "text" => found.push((format!("{streams}{prices}"), block.trim_end().to_owned())),
            other => unreachable!("a block of {other}"),
        }
    }
    found
}

fn shown(yaml: &str, given: &str) -> String {
    let catalogue = match catalog::load([("prices.yaml".to_owned(), format!("{SELLER}{yaml}"))]) {
        Ok(checked) => checked.catalogue.as_ref().clone(),
        Err(problems) => {
            let lines = problems.0.iter().filter(|problem| problem.severity == catalog::Severity::Error);
            let lines = lines.map(|problem| {
                let hint = problem.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
                format!("{}: {}{hint}", problem.path, problem.message)
            });
            return std::iter::once(given.to_owned()).chain(lines).collect::<Vec<_>>().join("\n");
        }
    };
    let plan = catalogue.plans.values().next().unwrap();
    let mut out = vec![given.to_owned()];
    match Given::read(given, &catalogue).rate(&catalogue) {
        Ok(lines) => {
            let currency = lines.first().map_or(plan.currency, |line| line.currency);
            out.extend(lines.iter().flat_map(explained));
            let total = Amount::sum(lines.iter().map(|line| line.amount)).unwrap();
            out.push(format!("total {} {}", text::grouped(&total.format(currency.digits())), currency));
        }
        Err(error) => out.push(format!("error {error}")),
    }
    out.join("\n")
}

fn explained(line: &RatedLine) -> Vec<String> {
    let name = &line.title;
    let detail = line.detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
    let head = format!("{name}{detail} {}", text::grouped(&line.amount.format(line.currency.digits())));
    std::iter::once(head).chain(line.steps.iter().map(|step| format!("  {}", step.text))).collect()
}

/// What an example gives, as cells.
#[derive(Debug)]
struct Given {
    period: Period,
    from: NaiveDate,
    /// The first one where none is named.
    customer: Option<String>,
    attributes: BTreeMap<String, String>,
    cells: Cells,
}

impl Given {
    /// `given 2026-02, calls of region eu = 5, storage at berlin = 5, payments = 20 + 30,
    /// jobs on 3 = 9, stored = 100 for 360h then 200 for 384h, tier: gold, from 2026-02-10`
    fn read(line: &str, catalogue: &Catalogue) -> Self {
        let mut words = line.strip_prefix("given ").unwrap().split(", ");
        let period = Period::parse_month(words.next().unwrap(), "UTC".parse().unwrap()).unwrap();
        let mut given =
            Self { period, from: NaiveDate::MIN, customer: None, attributes: BTreeMap::new(), cells: Cells::default() };
        for word in words {
            if let Some((what, quantity)) = word.split_once(" = ") {
                given.used(what, quantity, catalogue);
            } else if let Some((name, value)) = word.split_once(": ") {
                given.attributes.insert(name.to_owned(), value.to_owned());
            } else if let Some(id) = word.strip_prefix("customer ") {
                given.customer = Some(id.to_owned());
            } else {
                given.from = word.strip_prefix("from ").unwrap().parse().unwrap();
            }
        }
        given
    }

    fn used(&mut self, what: &str, quantity: &str, catalogue: &Catalogue) {
        let (what, day) = what.split_once(" on ").map_or((what, 1), |(what, day)| (what, day.parse::<i64>().unwrap()));
        let (what, dimensions) = what.split_once(" of ").unwrap_or((what, ""));
        let (name, deployment) = what.split_once(" at ").unwrap_or((what, "berlin"));
        let stream = catalogue.stream(name).unwrap();
        let pairs = dimensions.split(" and ").filter_map(|pair| pair.split_once(' '));
        let mut key = SeriesKey {
            deployment: deployment.to_owned(),
            stream: name.to_owned(),
            series: String::new(),
            dimensions: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            scale: stream.scale,
        };
        let start = start_of_day(self.period.zone, self.period.start).unwrap().0 + (day - 1) * 24 * HOUR;
        if quantity.contains(" for ") {
            return self.levels(&key, stream, start, quantity);
        }
        let events: Vec<&str> = quantity.split(" + ").collect();
        for (index, event) in (0_i64..).zip(&events) {
            if events.len() > 1 {
                key.series = format!("event-{index}");
            }
            self.record(&key, stream, start + index * HOUR, event);
        }
    }

    fn levels(&mut self, key: &SeriesKey, stream: &Stream, start: i64, levels: &str) {
        let mut at = start;
        for part in levels.split(" then ") {
            let (level, hours) = part.split_once(" for ").unwrap();
            for _ in 0..hours.strip_suffix('h').unwrap().parse::<u32>().unwrap() {
                self.record(key, stream, at, level);
                at += HOUR;
            }
        }
    }

    fn record(&mut self, key: &SeriesKey, stream: &Stream, at: i64, quantity: &str) {
        let value = quantity.parse::<Exact>().unwrap().to_scaled(stream.scale).unwrap();
        self.cells.record(key, stream.kind, Instant(at), value).unwrap();
    }

    /// The page's customer with all that it holds, or the only plan.
    fn rate(&self, catalogue: &Catalogue) -> Result<Vec<RatedLine>, pricing::RateError> {
        let cut = Cut { given: self, catalogue };
        let (attributes, history) = (&self.attributes, &History::default());
        let named = self.customer.as_ref().map(|id| &catalogue.customers[id]);
        let Some(customer) = named.or_else(|| catalogue.customers.values().next()) else {
            let term = Term { from: self.from, until: None };
            // What an example gives is used while the plan is held, whatever its day.
            let usage = Within { owned: ALWAYS, ..cut.to(term) };
            let input = RatingInput::alone("aurora", &self.period, term, attributes, &usage);
            return rate(catalogue.plans.values().next().unwrap(), &input);
        };
        let mut lines = Vec::new();
        for held in customer.subscriptions.chunk_by(|one, next| one.agreement == next.agreement) {
            let stretch = |held| {
                let Subscription { plan, term, ended, .. }: &Subscription = held;
                Stretch { plan, term: *term, ended: *ended }
            };
            let stretches: Vec<_> = held.iter().map(stretch).collect();
            let (stretches, period) = (&*stretches, &self.period);
            let agreement = Agreement { customer: "aurora", period, stretches, attributes, usage: &cut, history };
            lines.extend(rate_agreement(&agreement)?);
        }
        Ok(lines)
    }
}

/// The example's usage, cut to some days.
#[derive(Debug)]
struct Cut<'a> {
    given: &'a Given,
    catalogue: &'a Catalogue,
}

impl Cut<'_> {
    fn to(&self, term: Term) -> Within<'_> {
        let period = &self.given.period;
        let at = |date| start_of_day(period.zone, date).unwrap();
        let until = term.until.map_or(period.end, |until| until.min(period.end));
        let window = Span { from: at(term.from.max(period.start)), until: at(until) };
        Within { cut: self, window, owned: [window] }
    }
}

impl UsageWithin for Cut<'_> {
    fn within<'a>(&'a self, term: Term) -> Result<Box<dyn Usage + 'a>, UsageError> {
        Ok(Box::new(self.to(term)))
    }
}

#[derive(Debug)]
struct Within<'a> {
    cut: &'a Cut<'a>,
    window: Span,
    owned: [Span; 1],
}

impl Within<'_> {
    fn metered<'s>(&'s self, stream: &'s str) -> Metered<'s> {
        let Cut { given, catalogue } = self.cut;
        let of_stream = given.cells.0.iter().filter(|(key, _)| key.stream == stream);
        let each = of_stream.map(|(key, quarters)| SeriesUsage { key, quarters, owned: &self.owned });
        let deployments: std::collections::BTreeSet<&str> =
            given.cells.0.keys().map(|key| key.deployment.as_str()).collect();
        let (period, window, streams) = (&given.period, self.window, &catalogue.streams);
        let series = BTreeMap::from([(stream, each.collect())]);
        let deployments = deployments.into_iter().collect();
        Metered { period, window, streams, series, deployments }
    }
}

impl Usage for Within<'_> {
    fn select(&self, stream: &str, query: &Query) -> Result<Vec<Selected>, UsageError> {
        self.metered(stream).select(stream, query)
    }

    fn combinations(
        &self,
        stream: &str,
        only: &Condition,
        names: &std::collections::BTreeSet<String>,
    ) -> Result<std::collections::BTreeSet<BTreeMap<String, String>>, UsageError> {
        self.metered(stream).combinations(stream, only, names)
    }
}
