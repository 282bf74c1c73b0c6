//! The environment of a function, read once, here and nowhere else.
//!
//! Two things are left to others by design: Lambda's own variables (region, credentials, log format
//! and level, endpoints of local servers) belong to the SDK and the runtime, and how long a month
//! stays open after its end is money, so it stands in the catalogue.

use std::fmt;

use ledger::ports::Table;
use store::aws::{AwsConfig, BucketNames, TableNames};

/// One of the four functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// From an object to its tally.
    Translate,
    /// From tallies to rollups; the sweep.
    Aggregate,
    /// From the catalogue to the directory and the counters.
    Correlate,
    /// From rollups to invoices.
    Invoice,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Translate, Self::Aggregate, Self::Correlate, Self::Invoice];

    /// The name of its binary.
    pub fn name(self) -> &'static str {
        match self {
            Self::Translate => "translate",
            Self::Aggregate => "aggregate",
            Self::Correlate => "correlate",
            Self::Invoice => "invoice",
        }
    }

    /// The table that it asks first, whose connection is worth opening before the first event.
    pub fn warms(self) -> Table {
        match self {
            Self::Translate => Table::Ledger,
            Self::Aggregate => Table::Rollup,
            Self::Correlate | Self::Invoice => Table::Billing,
        }
    }

    /// The variables that it reads.
    pub fn variables(self) -> impl Iterator<Item = Variable> {
        let own: &[Variable] = match self {
            Self::Translate => &[],
            Self::Correlate => &[SALESFORCE_SECRET, SALESFORCE_WRITE_SECRET],
            Self::Aggregate => &[QUEUE_URL, SETTLE_MINUTES],
            Self::Invoice => &[SETTLE_MINUTES],
        };
        VARIABLES.into_iter().chain(own.iter().copied())
    }
}

/// An environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it should hold, for the message when it is missing.
    pub holds: &'static str,
    /// Whether the function does not start without it.
    pub required: bool,
}

const fn variable(name: &'static str, holds: &'static str) -> Variable {
    Variable { name, holds, required: true }
}

const LEDGER_TABLE: Variable =
    variable("FARTHING_LEDGER_TABLE", "the name of the DynamoDB table of claims and tallies");
const ROLLUP_TABLE: Variable = variable("FARTHING_ROLLUP_TABLE", "the name of the DynamoDB table of hints and rollups");
const BILLING_TABLE: Variable =
    variable("FARTHING_BILLING_TABLE", "the name of the DynamoDB table of directory, invoices and numbers");
const USAGE_BUCKET: Variable = variable("FARTHING_USAGE_BUCKET", "the name of the S3 bucket of usage files");
const WORK_BUCKET: Variable = variable("FARTHING_WORK_BUCKET", "the name of Farthing's own S3 bucket");
const INVOICES_BUCKET: Variable = variable("FARTHING_INVOICES_BUCKET", "the name of the S3 bucket of invoices");
const CATALOGUE_PREFIX: Variable = variable(
    "FARTHING_CATALOGUE_PREFIX",
    "where the catalogue's YAML files lie in the work bucket, ending in a slash, as in catalogue/",
);
const LEDGER_DAYS: Variable =
    variable("FARTHING_LEDGER_DAYS", "after how many days a tally may expire, a whole number of at least 460");
const QUEUE_URL: Variable = variable("FARTHING_QUEUE_URL", "the URL of the SQS queue in front of translate");

const SETTLE_MINUTES: Variable = variable(
    "FARTHING_SETTLE_MINUTES",
    "how many minutes a file may take from the bucket to its tally before it is missed, a whole number up to 1440",
);

const SALESFORCE_SECRET: Variable = Variable {
    name: "FARTHING_SALESFORCE_SECRET",
    holds: "the ARN of the Secrets Manager secret with the credentials of Salesforce organisations, or nothing",
    required: false,
};

const SALESFORCE_WRITE_SECRET: Variable = Variable {
    name: "FARTHING_SALESFORCE_WRITE_SECRET",
    holds: "the ARN of the Secrets Manager secret with the credentials for writing back to Salesforce, or nothing",
    required: false,
};

/// What every function reads.
const VARIABLES: [Variable; 8] = [
    LEDGER_TABLE,
    ROLLUP_TABLE,
    BILLING_TABLE,
    USAGE_BUCKET,
    WORK_BUCKET,
    INVOICES_BUCKET,
    CATALOGUE_PREFIX,
    LEDGER_DAYS,
];

/// A month, its late files and its corrections: fewer days would expire what is still to be billed.
const LEAST_LEDGER_DAYS: u32 = 460;

/// What the environment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What the adapters need.
    pub aws: AwsConfig,
    /// Where the catalogue lies in the work bucket; ends in a slash.
    pub catalogue_prefix: String,
    /// Objects younger than this are not missed yet; 0 for a function that misses none.
    pub settle_minutes: i64,
    /// The secret with the credentials of Salesforce organisations, if there are any.
    pub salesforce_secret: Option<String>,
    /// The secret with the credentials for writing back, if anything is.
    pub salesforce_write_secret: Option<String>,
}

/// Everything that is wrong with the environment, one line each.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsError(Vec<String>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the environment of this function is not complete: {}", self.0.join("; "))
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Reads the environment of the process.
    ///
    /// # Errors
    ///
    /// Names every variable that is missing or wrong, and what it should hold.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn from_environment(function: Function) -> Result<Self, SettingsError> {
        Self::read(function, |name| std::env::var(name).ok())
    }

    /// Reads settings from anything that maps names to values. An empty value counts as missing.
    ///
    /// # Errors
    ///
    /// As [`Settings::from_environment`].
    pub fn read(function: Function, look_up: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut reader = Reader { look_up, wrong: Vec::new() };
        let tables = TableNames {
            ledger: reader.text(LEDGER_TABLE),
            rollup: reader.text(ROLLUP_TABLE),
            billing: reader.text(BILLING_TABLE),
        };
        let buckets = BucketNames {
            usage: reader.text(USAGE_BUCKET),
            work: reader.text(WORK_BUCKET),
            invoices: reader.text(INVOICES_BUCKET),
        };
        let catalogue_prefix = reader.prefix(CATALOGUE_PREFIX);
        let ledger_days = reader.number(LEDGER_DAYS, LEAST_LEDGER_DAYS, u32::MAX);
        let reads = |wanted| function.variables().any(|variable| variable == wanted);
        let queue_url = reads(QUEUE_URL).then(|| reader.text(QUEUE_URL));
        let salesforce_secret = reader.optional(SALESFORCE_SECRET).filter(|_| reads(SALESFORCE_SECRET));
        let salesforce_write_secret =
            reader.optional(SALESFORCE_WRITE_SECRET).filter(|_| reads(SALESFORCE_WRITE_SECRET));
        let settle_minutes = if reads(SETTLE_MINUTES) { reader.number(SETTLE_MINUTES, 0, 1440) } else { 0 };
        if !reader.wrong.is_empty() {
            return Err(SettingsError(reader.wrong));
        }
        let aws = AwsConfig { tables, buckets, queue_url, ledger_days, endpoint: None };
        let settle_minutes = i64::from(settle_minutes);
        Ok(Self { aws, catalogue_prefix, settle_minutes, salesforce_secret, salesforce_write_secret })
    }
}

/// Takes down what is wrong instead of stopping at it, so that one deployment mends everything.
struct Reader<L> {
    look_up: L,
    wrong: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn text(&mut self, variable: Variable) -> String {
        let value = (self.look_up)(variable.name).unwrap_or_default();
        if value.is_empty() {
            self.wrong.push(format!("{} is missing; it holds {}", variable.name, variable.holds));
        }
        value
    }

    fn optional(&self, variable: Variable) -> Option<String> {
        (self.look_up)(variable.name).filter(|value| !value.is_empty())
    }

    fn prefix(&mut self, variable: Variable) -> String {
        let value = self.text(variable);
        if !value.is_empty() && !value.ends_with('/') {
            self.refuse(variable, &value);
        }
        value
    }

    fn number(&mut self, variable: Variable, least: u32, most: u32) -> u32 {
        let value = self.text(variable);
        let number = value.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() && !value.is_empty() {
            self.refuse(variable, &value);
        }
        number.unwrap_or(least)
    }

    fn refuse(&mut self, variable: Variable, value: &str) {
        self.wrong.push(format!("{} is '{value}'; it holds {}", variable.name, variable.holds));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn complete(name: &str) -> Option<String> {
        let value = match name {
            "FARTHING_CATALOGUE_PREFIX" => "catalogue/",
            "FARTHING_LEDGER_DAYS" => "480",
            "FARTHING_SETTLE_MINUTES" => "15",
            name => name,
        };
        Some(value.to_owned())
    }

    #[test]
    fn a_complete_environment_is_read() {
        let settings = Settings::read(Function::Aggregate, complete).unwrap();
        assert_eq!(settings.aws.tables.rollup, "FARTHING_ROLLUP_TABLE");
        assert_eq!(settings.aws.buckets.usage, "FARTHING_USAGE_BUCKET");
        assert_eq!(settings.aws.queue_url.as_deref(), Some("FARTHING_QUEUE_URL"));
        assert_eq!((settings.aws.ledger_days, settings.settle_minutes), (480, 15));
        assert_eq!(settings.catalogue_prefix, "catalogue/");
    }

    #[test]
    fn only_the_function_that_sweeps_knows_the_queue() {
        let settings = Settings::read(Function::Translate, complete).unwrap();
        assert_eq!(settings.aws.queue_url, None);
    }

    #[test]
    fn each_missing_variable_is_named_with_what_it_holds() {
        for function in Function::ALL {
            for missing in function.variables().filter(|variable| variable.required) {
                let look_up = |name: &str| complete(name).filter(|_| name != missing.name);
                let error = Settings::read(function, look_up).unwrap_err().to_string();
                assert!(error.contains(missing.name) && error.contains(missing.holds), "{error}");
            }
        }
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let error = Settings::read(Function::Aggregate, |_| Some(String::new())).unwrap_err();
        assert_eq!(error.0.len(), 10);
    }

    #[test]
    fn values_that_would_lose_money_or_files_are_refused() {
        for (name, value) in [
            ("FARTHING_CATALOGUE_PREFIX", "catalogue"),
            ("FARTHING_LEDGER_DAYS", "61"),
            ("FARTHING_LEDGER_DAYS", "-1"),
            ("FARTHING_LEDGER_DAYS", "4e2"),
            ("FARTHING_SETTLE_MINUTES", "1441"),
            ("FARTHING_SETTLE_MINUTES", "fifteen"),
        ] {
            let look_up = |asked: &str| if asked == name { Some(value.to_owned()) } else { complete(asked) };
            let error = Settings::read(Function::Invoice, look_up).unwrap_err().to_string();
            assert!(error.contains(&format!("{name} is '{value}'")), "{error}");
        }
    }
}
