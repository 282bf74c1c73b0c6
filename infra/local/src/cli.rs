//! The command line as a person types it.

use std::path::PathBuf;

use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::{Args, Parser, Subcommand};
use metering::period::Period;

/// Metered billing: usage files in, invoices out.
///
/// Farthing reads the usage files that your software wrote at your customers', adds them up
/// exactly, prices them by a catalogue of YAML files, and writes invoices as PDF and JSON.
/// Running it again changes nothing that is done; an issued invoice never changes.
#[derive(Debug, Parser)]
#[command(
    name = "farthing",
    version,
    max_term_width = 100,
    after_help = "Begin with:\n  farthing demo                       a month of invented usage, start to finish\n  farthing check ./catalogue          is my catalogue right?\n  farthing run --catalogue ./catalogue --usage ./usage --month 2026-02\n\nExit codes:\n  0  done\n  1  a file, folder or store could not be used\n  2  the command line is not right\n  3  the catalogue is not right\n  4  something waits for a person: a period that cannot be closed, an account that cannot be priced"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Count the usage files, close the month, and write the invoices.
    ///
    /// May be run any number of times: files that are counted are not counted again, invoices
    /// that are issued stay as they are, and what has changed since is charged with the next month.
    Run(RunArgs),
    /// Check a catalogue and tell everything that is wrong with it, with file, line and field.
    Check {
        /// The folder of the catalogue's YAML files.
        catalogue: PathBuf,
    },
    /// Print the JSON Schema of catalogue files, for editors that complete and check while you type.
    Schema,
    /// Try a mapping on one file: what it gives, what is rejected and why. Changes nothing.
    ///
    /// With --sniff it looks at a file that no source reads yet, and writes a source to begin with.
    Translate(TranslateArgs),
    /// Tell what a plan or a component costs for some usage, step by step. Changes nothing.
    ///
    /// The usage is counted and rated as on an invoice; the steps are those of the invoice's JSON.
    Price(PriceArgs),
    /// Show who would pay more or less under a new catalogue, by how much, and through which line.
    ///
    /// The closed months are priced again under both catalogues, from the usage that is counted.
    /// Nothing is issued or written. Credits count as if none had been drawn before those months.
    Plan(PlanArgs),
    /// Tell what is counted, what waits for a person, and what keeps a month from being closed.
    Status(Place),
    /// Read again what a changed mapping may mend: files that wait, and files with rejected records.
    ///
    /// Those that another mapping than the present one read are affected, and no others. Run it again
    /// at any time: what is read by the present mapping is not read again.
    Redrive {
        /// Where things are.
        #[command(flatten)]
        place: Place,
        /// Only tell which files are affected.
        #[arg(long)]
        list: bool,
    },
    /// Let a file in quarantine not count: somebody answers for that with name and reason.
    ///
    /// A file that cannot be read keeps every month open. Mend it by writing it anew, or waive it.
    /// The waiver is kept for ever; if the file is written anew after all, it is read and counts.
    Waive {
        /// Where things are.
        #[command(flatten)]
        place: Place,
        /// The file, by its path below the usage folder.
        key: String,
        /// Who answers for it.
        #[arg(long)]
        by: String,
        /// Why it shall not count.
        #[arg(long)]
        reason: String,
    },
    /// List the usage of a month that nobody is billed for: why, and what it is worth at list prices.
    Unbilled {
        /// Where things are.
        #[command(flatten)]
        place: Place,
        /// The month, such as 2026-02, in the seller's billing zone.
        #[arg(long, value_parser = month)]
        month: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let usage that nobody owns never be billed: somebody answers for that with name and reason.
    ///
    /// It covers what is held of one deployment in one month, is a fact of the directory from then on, and
    /// holds even if a record names an owner later. It is kept for ever, and told by `farthing unbilled`.
    /// With --from and --until it covers some days only; --undo takes it back.
    WriteOff {
        /// Where things are.
        #[command(flatten)]
        place: Place,
        /// The deployment, as usage names it.
        deployment: String,
        /// The month, such as 2026-02, in the seller's billing zone.
        #[arg(long, value_parser = month)]
        month: String,
        /// Who answers for it.
        #[arg(long)]
        by: String,
        /// Why it shall not be billed, or shall be after all.
        #[arg(long)]
        reason: String,
        /// The first day that is meant, such as 2026-02-03; the month's without one.
        #[arg(long)]
        from: Option<NaiveDate>,
        /// The first day that is not meant; none of the month's without one.
        #[arg(long)]
        until: Option<NaiveDate>,
        /// Take back all that is written off of this deployment in this month.
        #[arg(long, conflicts_with_all = ["from", "until"])]
        undo: bool,
    },
    /// Write summaries of usage and invoices into the Salesforce objects that the catalogue names.
    ///
    /// Only what is new is sent, by external id; a repeat changes nothing. What Salesforce refuses is
    /// listed, and sent again with --redrive.
    WriteBack {
        /// Where things are.
        #[command(flatten)]
        place: Place,
        /// A file with credentials that may create and edit these objects, by the organisations' names.
        #[arg(long, required_unless_present = "refused")]
        credentials: Option<PathBuf>,
        /// The months whose usage is summed up. Invoices are written whatever their month.
        #[arg(long, value_parser = month)]
        month: Vec<String>,
        /// Send again what was refused before.
        #[arg(long)]
        redrive: bool,
        /// Only list what is refused.
        #[arg(long, conflicts_with_all = ["redrive", "credentials"])]
        refused: bool,
    },
    /// Read files of a range of time once more, by the mapping that the catalogue has now.
    ///
    /// A mapping that is changed is for files that come from then on. This says that it is also for the files of a
    /// source that arrived from one day until another (UTC): they are read again, and no month closes before all of
    /// them are. Issued invoices stay; what changes comes out as lines on the next ones. To go back, put the old
    /// mapping into the catalogue again and restate the same range.
    Restate {
        /// Where things are.
        #[command(flatten)]
        place: Place,
        /// The source.
        #[arg(long)]
        source: String,
        /// The first day of arrival, such as 2026-02-01.
        #[arg(long)]
        from: NaiveDate,
        /// The first day of arrival that is not meant.
        #[arg(long)]
        until: NaiveDate,
    },
    /// Tell where an invoice comes from: line, steps, rollups, files, records, with the hashes that hold them together.
    ///
    /// For a line, the usage files are read once more, and its records told one by one. What the files bring is added
    /// up and priced by itself: it has to come to what the line says. A correction is told by what came, went and
    /// changed since the invoice that it corrects. Every list has an end; what is not shown stands below it as a sum.
    Explain(ExplainArgs),
    /// Derive an invoice once more from the usage files and compare it byte by byte.
    ///
    /// With --evidence nothing else is needed: whoever has the usage files and what `farthing evidence` wrote derives
    /// the invoice without Farthing's tables. A file that was changed is named.
    Verify(VerifyArgs),
    /// Write what somebody needs, besides the usage files, to derive an invoice without Farthing's tables.
    ///
    /// The invoice, those before it, and the objects that its hashes name: catalogue, directory, manifest, rollups.
    /// These speak of all customers; give them to an auditor, not to the next customer.
    Evidence {
        /// Where things are.
        #[command(flatten)]
        place: Place,
        /// The invoice's number.
        number: String,
        /// A folder to write it to.
        #[arg(long)]
        to: PathBuf,
    },
    /// Show what a month would be invoiced at by now, or write the drafts as PDF. Issues nothing.
    Invoice {
        /// Where things are.
        #[command(flatten)]
        run: RunArgs,
        /// Drafts only; nothing is issued. (There is no other way yet: `run` issues.)
        #[arg(long, required = true)]
        preview: bool,
    },
    /// Read who owns what, and tell what became of it; or explain one deployment.
    ///
    /// With `--explain` nothing is read: the directory in force is asked.
    Correlate {
        /// Where things are.
        #[command(flatten)]
        place: Place,
        /// A deployment and a time, such as harbour-9@2026-02-03 or harbour-9@2026-02-03T04:05:06Z.
        #[arg(long, value_name = "DEPLOYMENT@TIME")]
        explain: Option<String>,
        /// Accept what a guard refused, with who and why; kept with the version.
        #[arg(long, value_name = "WHO AND WHY")]
        accept: Option<String>,
    },
    /// Look at the versions of the directory: who owned which deployment when.
    Directory {
        /// Where things are.
        #[command(flatten)]
        place: Place,
        /// What to look at.
        #[command(subcommand)]
        look: Look,
    },
    /// Keep an S3 endpoint over the data folder open, to look inside with `aws --endpoint-url`.
    Serve {
        /// Where things are.
        #[command(flatten)]
        place: Place,
        /// The port on 127.0.0.1.
        #[arg(long, default_value_t = 4702)]
        port: u16,
    },
    /// Generate a month of usage and bill it: four functions, embedded parts, real invoices.
    Demo {
        /// Where the demo keeps everything. Delete it to begin anew.
        #[arg(long, default_value = "demo")]
        folder: PathBuf,
    },
}

/// What to look at in the directory.
#[derive(Clone, Debug, Subcommand)]
pub enum Look {
    /// List the versions, oldest first.
    Versions,
    /// Tell which deployments differ between two versions.
    Diff {
        /// The older one: its number, or the beginning of its hash.
        older: String,
        /// The newer one.
        newer: String,
    },
}

/// Which file is tried, and by which source.
#[derive(Clone, Debug, Args)]
pub struct TranslateArgs {
    /// The usage file, packed or not.
    pub file: PathBuf,
    /// The source that reads it: the one whose pattern matches the key, unless said.
    #[arg(long)]
    pub source: Option<String>,
    /// The folder of the catalogue's YAML files. Only its streams and sources have to be right.
    #[arg(long, default_value = "catalogue")]
    pub catalogue: PathBuf,
    /// The key that the file would have in the bucket: what a pattern matches of its path, unless said.
    #[arg(long)]
    pub key: Option<String>,
    /// How many events, and how many rejects, are shown one by one.
    #[arg(long, default_value_t = 10)]
    pub show: usize,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// Propose a source for the file, as YAML: a beginning, to be looked through.
    #[arg(long, conflicts_with_all = ["source", "json"])]
    pub sniff: bool,
}

/// Which invoice is derived, and from what.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// Where things are.
    #[command(flatten)]
    pub place: Place,
    /// The invoice's number.
    pub number: String,
    /// A folder that `farthing evidence` wrote: nothing else is asked, but for the usage files.
    #[arg(long, value_name = "FOLDER")]
    pub evidence: Option<PathBuf>,
    /// The usage files that go with the evidence; the folder `usage` in it, unless said.
    #[arg(long, value_name = "FOLDER", requires = "evidence")]
    pub files: Option<PathBuf>,
}

/// What is explained, and how much is shown.
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// Where things are.
    #[command(flatten)]
    pub place: Place,
    /// The invoice's number.
    pub number: String,
    /// One line of it.
    pub line: Option<u32>,
    /// Tell the records of this file, by its path below the usage folder.
    #[arg(long, value_name = "KEY", requires = "line")]
    pub file: Option<String>,
    /// How many rollups, files and records are shown one by one.
    #[arg(long, default_value_t = 20)]
    pub show: usize,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// What is priced, and for which usage.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  farthing price standard --usage storage=12.5TB --attribute tier=gold --period 2026-02\n  farthing price egress --usage egress=5TB,region=eu --usage egress=800GB,region=us --period 2026-02\n  farthing price storage-tb --usage storage=10TB,until=2026-02-15 --usage storage=20TB,from=2026-02-15 --period 2026-02\n  farthing price jobs --usage jobs=9,on=2026-02-03T14 --usage jobs=3,each=day --period 2026-02\n\nA level (a gauge that is averaged, or of which the peak counts) is held the whole month, or from and\nuntil a day or hour. Anything else is used once, at the beginning of that time; with each=day, each=hour\nor each=quarter-hour once in each of them. Times are in the seller's zone."
)]
pub struct PriceArgs {
    /// The plan or the component, by its name; `plan:NAME` or `component:NAME` where both have it.
    pub name: String,
    /// So much of a stream, perhaps in another unit, with dimensions:
    /// STREAM=QUANTITY[,DIMENSION=VALUE]…; besides dimensions: deployment, series, on, from, until, each.
    #[arg(long, value_name = "STREAM=QUANTITY")]
    pub usage: Vec<String>,
    /// An attribute of the customer.
    #[arg(long, value_name = "NAME=VALUE")]
    pub attribute: Vec<String>,
    /// The month, such as 2026-02, in the seller's zone.
    #[arg(long, value_parser = month)]
    pub period: String,
    /// The day on which the subscription began; long ago unless said. Fees that are charged once are due then.
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// The first day on which it is not held any more.
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
    /// The currency in which the customer pays: the plan's only one, or the seller's unless said.
    #[arg(long)]
    pub currency: Option<String>,
    /// So many of what a fee is charged for each of, such as seats=10.
    #[arg(long, value_name = "NAME=NUMBER")]
    pub quantity: Vec<String>,
    /// Another number in the plan, as in a subscription's `set`: recurring.platform-fee.amount=80.
    #[arg(long, value_name = "PATH=NUMBER")]
    pub set: Vec<String>,
    /// A component or a plan that is added.
    #[arg(long, value_name = "NAME")]
    pub add_on: Vec<String>,
    /// A coupon, redeemed on the first day of the month that the plan is held unless another is said.
    #[arg(long, value_name = "NAME[=DAY]")]
    pub coupon: Vec<String>,
    /// Where the customer is taxed, by the catalogue's `taxes`; without taxes unless said.
    #[arg(long, value_name = "JURISDICTION")]
    pub tax: Vec<String>,
    /// The folder of the catalogue's YAML files.
    #[arg(long, default_value = "catalogue")]
    pub catalogue: PathBuf,
    /// As JSON: lines and steps as in an invoice's.
    #[arg(long)]
    pub json: bool,
}

/// Where things are and which month is meant.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Where things are.
    #[command(flatten)]
    pub place: Place,
    /// The month to close, such as 2026-02, in each customer's billing zone.
    #[arg(long, value_parser = month)]
    pub month: String,
}

/// Which catalogues are compared, and over what.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// The folder of the catalogue as it is.
    pub old: PathBuf,
    /// The folder of the catalogue as it would be.
    pub new: PathBuf,
    /// The folder of usage files. Not read: what is counted of them lies in the data folder.
    #[arg(long, default_value = "usage")]
    pub usage: PathBuf,
    /// Where Farthing keeps what it knows.
    #[arg(long, default_value = ".farthing")]
    pub data: PathBuf,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// As Markdown, for a pull request.
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
}

/// A month as it is written everywhere.
fn month(text: &str) -> Result<String, String> {
    match Period::parse_month(text, Tz::UTC) {
        Ok(period) if period.label() == text => Ok(period.label()),
        Ok(_) | Err(_) => Err("a month is written as 2026-02".to_owned()),
    }
}

/// Where things are.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// The folder of the catalogue's YAML files.
    #[arg(long, default_value = "catalogue")]
    pub catalogue: PathBuf,
    /// The folder of usage files; their paths below it are the object keys. Only read.
    #[arg(long, default_value = "usage")]
    pub usage: PathBuf,
    /// Where Farthing keeps what it knows, and writes the invoices (below `invoices`).
    #[arg(long, default_value = ".farthing")]
    pub data: PathBuf,
    /// A file with the credentials of the catalogue's Salesforce organisations, by their names (docs/salesforce.md).
    #[arg(long)]
    pub salesforce_credentials: Option<PathBuf>,
}
