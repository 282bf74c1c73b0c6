//! The binary as a person meets it: what it prints, which files it writes, how it exits.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A fee of 10.00 and 0.50 a call.
const CATALOGUE: &str = r#"
seller: {name: Seller, address: [Street 1], currency: USD, zone: UTC, terms-days: 30, number: "R-"}
streams: [{name: calls, title: Calls, unit: call, scale: 2, kind: delta, day: sum, month: sum}]
sources:
  - name: calls
    objects: "{deployment}/{name}.jsonl*"
    format: json-lines
    deployment: {tag: deployment}
    time: {field: t, format: rfc3339}
    usage: [{stream: calls, quantity: n}]
components: [{name: calls, title: Calls, stream: calls, price: {per-unit: 0.50}}]
plans: [{name: plan, title: Plan, currency: USD, recurring: [{title: Fee, amount: 10.00}], components: [calls]}]
customers:
  - id: ann
    name: Ann
    address: [Lane 2]
    deployments: [{id: one, from: 2020-01-01}]
    subscriptions: [{plan: plan, from: 2020-01-01}]
"#;

/// How a command ended.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

/// A folder of its own with a catalogue and three usage files of January 2020.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        let place = Self::empty(test);
        place.write("catalogue/all.yaml", CATALOGUE);
        place.write("usage/one/monday.jsonl", &(used(6, "3") + &used(6, "1.5")));
        place.write("usage/one/tuesday.jsonl", &used(7, "2"));
        place.write("usage/one/wednesday.jsonl", &used(8, "0.25"));
        place
    }

    fn empty(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("farthing-cli").join(test);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.0.join(path)).unwrap()
    }

    /// All that is below a folder; nothing where there is no folder.
    fn files(&self, folder: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.0.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(&self.0).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found.sort();
        found
    }

    /// Runs `farthing` in the folder.
    fn farthing(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farthing"));
        let output = command.args(arguments).current_dir(&self.0).env("NO_COLOR", "1").output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn run(&self) -> Ended {
        self.farthing(&["run", "--month", "2020-01"])
    }
}

impl Ended {
    /// Exits so, or shows everything that was said.
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }

    fn says(self, text: &str) -> Self {
        assert!(letters(&self.out).contains(&letters(text)), "`{text}` is not in\n{}", self.out);
        self
    }

    fn complains(self, text: &str) -> Self {
        assert!(letters(&self.err).contains(&letters(text)), "`{text}` is not in\n{}", self.err);
        self
    }
}

/// Without blanks, line ends and frames: what is said, however it is laid out.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).filter(|letter| *letter != '|').collect()
}

fn used(day: u8, n: &str) -> String {
    format!("{{\"t\":\"2020-01-{day:02}T09:30:00Z\",\"n\":{n}}}\n")
}

const PDF: &str = ".farthing/invoices/ann/2020-01-R-000001.pdf";
const JSON: &str = ".farthing/invoices/ann/2020-01-R-000001.json";

#[test]
fn a_run_writes_the_invoice_and_the_next_one_changes_nothing() {
    let place = Place::new("run");
    place.run().exits(0).says("3 files counted now with 4 records").says("2020-01-R-000001.pdf").says("13.38 USD");
    assert_eq!(place.files(".farthing/invoices"), [JSON, PDF]);
    let (pdf, json) = (place.read(PDF), place.read(JSON));
    assert!(pdf.starts_with(b"%PDF-"));
    let invoice: Value = serde_json::from_slice(&json).unwrap();
    // 10.00 + (3 + 1.5 + 2 + 0.25) × 0.50 = 10.00 + 3.375, which is rounded to 3.38.
    assert_eq!((invoice["total"].as_str(), invoice["number"].as_str()), (Some("13.38"), Some("R-000001")));

    place.run().exits(0).says("no new files: everything in the usage folder was counted before");
    assert_eq!(place.files(".farthing/invoices"), [JSON, PDF]);
    assert_eq!((place.read(PDF), place.read(JSON)), (pdf, json));
    place.farthing(&["status"]).exits(0).says("3 files are counted with 4 records: 4 tallied, 0 filtered, 0 rejected");
}

#[test]
fn a_new_catalogue_is_compared_over_the_usage_of_the_closed_months() {
    let place = Place::new("plan");
    place.run().exits(0);
    let catalogue = place.files("catalogue").into_iter().next().unwrap();
    let text = String::from_utf8(place.read(&catalogue)).unwrap();
    assert!(text.contains("0.50"), "{text}");
    place.write("new/catalogue.yaml", &text.replace("0.50", "1.00"));
    // 10.00 + 6.75 × 1.00 = 16.75 instead of 13.38.
    place.farthing(&["plan", "catalogue", "new"]).exits(0).says("13.38").says("16.75").says("3.37");
    place.farthing(&["plan", "catalogue", "catalogue"]).exits(0).says("1 customers would pay the same");
}

#[test]
fn pages_that_were_lost_are_written_again_with_the_same_bytes() {
    let place = Place::new("lost-pages");
    place.run().exits(0);
    let pdf = place.read(PDF);
    fs::remove_file(place.0.join(PDF)).unwrap();
    place.run().exits(0);
    assert_eq!(place.read(PDF), pdf);
}

#[test]
fn a_file_in_quarantine_keeps_the_month_open_and_is_told_with_its_reason() {
    let place = Place::new("quarantine");
    // The first bytes of a gzip file and no more.
    fs::write(place.0.join("usage/one/cut.jsonl.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab]).unwrap();
    let reason = "one/cut.jsonl.gz: the gzip data ends in the middle of member 1: it is truncated; upload it again";
    place.run().exits(4).says("1 wait for a person").says(reason);
    assert_eq!(place.files(".farthing/invoices"), [""; 0]);
    place.run().exits(4).says(reason);
    place.farthing(&["status"]).exits(4).says("keeps every month open").says(reason);

    // As the reason says: upload it again.
    place.write("usage/one/cut.jsonl.gz", &used(9, "1"));
    // 13.375 + 0.50 = 13.875.
    place.run().exits(0).says("13.88 USD");
}

#[test]
fn a_waived_file_lets_the_month_be_closed_and_says_who_answers_for_it() {
    let place = Place::new("waive");
    fs::write(place.0.join("usage/one/cut.jsonl.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab]).unwrap();
    place.run().exits(4);
    let waive = |key: &str, by: &str| place.farthing(&["waive", key, "--by", by, "--reason", "a broken disk"]);
    waive("one/monday.jsonl", "Ann Lee")
        .exits(1)
        .complains("the file counts; only a file in quarantine can be waived, or a content that was written over one");
    waive("one/none.jsonl", "Ann Lee").exits(1).complains("no such file was ever read");
    waive("one/cut.jsonl.gz", " ").exits(1).complains("a waiver needs the name of who answers for it");
    waive("one/cut.jsonl.gz", "Ann Lee").exits(0).says("Ann Lee answers for that: a broken disk");
    // Who comes second is told what the first one said.
    waive("one/cut.jsonl.gz", "Bob").exits(0).says("Ann Lee answers for that");
    place.run().exits(0).says("13.38 USD");

    // Written anew after all, it counts: with the next month, as this one is invoiced.
    place.write("usage/one/cut.jsonl.gz", &used(9, "1"));
    place.farthing(&["run", "--month", "2020-02"]).exits(0).says("10.50 USD");
}

#[test]
fn usage_that_nobody_owns_is_told_and_holds_up_nobody() {
    let place = Place::new("unowned");
    place.write("usage/two/a.jsonl", &used(6, "7"));
    place
        .run()
        .exits(0)
        .says("two: 7 call of calls are billed to nobody: no customer has this deployment")
        .says("13.38 USD");
}

#[test]
fn usage_that_nobody_owns_is_listed_with_its_worth_and_written_off_by_somebody() {
    let place = Place::new("write-off");
    place.write("usage/two/a.jsonl", &used(6, "7"));
    place.run().exits(0);
    let unbilled = || place.farthing(&["unbilled", "--month", "2020-01"]).exits(0);
    unbilled().says("two").says("7 call").says("no customer has this deployment").says("3.50 USD (plan)");
    place.farthing(&["write-off", "two", "--month", "2020-01", "--by", "M. Rivera"]).exits(2).complains("--reason");
    let write_off = |deployment: &str, month: &str| {
        place.farthing(&["write-off", deployment, "--month", month, "--by", "M. Rivera", "--reason", "a lab"])
    };
    write_off("one", "2020-01").exits(1).complains("nothing of it is held in 2020-01");
    write_off("two", "2020-02").exits(1).complains("nothing of it is held in 2020-02");
    write_off("two", "2020-01").exits(0).says("M. Rivera answers for that: a lab");
    unbilled().says("it was written off").says("by M. Rivera: a lab");
    let told = place.run().exits(0);
    assert!(!told.out.contains("Needs a person"), "{}", told.out);
    let undo = ["write-off", "two", "--month", "2020-01", "--by", "A. Okafor", "--reason", "no lab", "--undo"];
    place.farthing(&undo).exits(1).complains("2020-01 stays written off");
    place.farthing(&[&undo[..], &["--from", "2020-01-03"]].concat()).exits(2).complains("--from");
    place.farthing(&["correlate", "--explain", "two@2020-01-06"]).exits(0).says("it was written off: never billed");
}

#[test]
fn who_owned_what_is_explained_and_compared() {
    let place = Place::new("directory");
    place.farthing(&["correlate", "--explain", "one@2020-01-06"]).exits(0).says("there is no directory yet");
    place.run().exits(0);
    let explain = |asked: &str| place.farthing(&["correlate", "--explain", asked]).exits(0);
    explain("one@2020-01-06").says("it belongs to ann").says("by catalogue");
    explain("one@2019-12-31").says("but not at that time: held");
    explain("other@2020-01-06").says("no record knows it");
    let moved = CATALOGUE.replace("id: one, from: 2020-01-01", "id: one, from: 2020-01-01, until: 2020-06-01");
    place.write("catalogue/all.yaml", &moved);
    place.farthing(&["correlate"]).exits(0).says("a new version");
    place.farthing(&["directory", "versions"]).exits(0).says("     1  ").says("     2  ");
    place
        .farthing(&["directory", "diff", "1", "2"])
        .exits(0)
        .says("- ann from 2020-01-01T00:00:00Z now on")
        .says("+ ann from 2020-01-01T00:00:00Z until 2020-06-01T00:00:00Z")
        .says("1 deployments differ");
    place.farthing(&["directory", "diff", "1", "9"]).exits(1).complains("there is no version `9`");
}

#[test]
fn a_month_that_is_not_over_waits() {
    let place = Place::new("not-over");
    let told = place.farthing(&["run", "--month", "2999-01"]).exits(4);
    told.says("ann waits: the period 2999-01 ends at 2999-02-01T00:00:00Z");
    assert_eq!(place.files(".farthing/invoices"), [""; 0]);
}

#[test]
fn folders_that_are_missing_are_told_with_what_to_do() {
    let place = Place::empty("missing");
    place.farthing(&["check", "nowhere"]).exits(1).complains("nowhere: there is no such folder");
    place.run().exits(1).complains("usage: there is no such folder of usage files; name it with --usage");
    place.write("usage/one/a.jsonl", &used(6, "1"));
    place.run().exits(1).complains("catalogue: there is no such folder").complains("--catalogue");
    place.write("catalogue/readme.txt", "nothing here");
    place.run().exits(3).complains("there is no .yaml file in this folder");
    assert_eq!(place.files(".farthing"), [""; 0]);
}

#[test]
fn a_command_line_that_is_not_right_is_told_with_what_would_be() {
    let place = Place::new("command-line");
    place.farthing(&["run"]).exits(2).complains("--month");
    place.farthing(&["bill"]).exits(2).complains("unrecognized subcommand");
    for month in ["2020-13", "2020", "January", "2020-1"] {
        place.farthing(&["run", "--month", month]).exits(2).complains("2026-02");
    }
    place.farthing(&["invoice", "--month", "2020-01"]).exits(2).complains("--preview");
}

#[test]
fn the_help_names_every_command_and_every_exit_code() {
    let place = Place::empty("help");
    let told = place.farthing(&["--help"]).exits(0);
    for command in [
        "run",
        "check",
        "status",
        "waive",
        "unbilled",
        "write-off",
        "write-back",
        "correlate",
        "directory",
        "explain",
        "verify",
        "evidence",
        "invoice",
        "serve",
        "demo",
    ] {
        assert!(told.out.lines().any(|line| line.trim_start().starts_with(&format!("{command} "))), "{}", told.out);
    }
    let codes: Vec<&str> = told.out.lines().skip_while(|line| !line.starts_with("Exit codes:")).skip(1).collect();
    for code in 0..=4 {
        assert!(codes.iter().any(|line| line.trim_start().starts_with(&format!("{code}  "))), "{}", told.out);
    }
}

#[test]
fn a_preview_writes_a_draft_and_issues_nothing() {
    let place = Place::new("preview");
    place.farthing(&["invoice", "--preview", "--month", "2020-01"]).exits(0).says("draft").says("13.38 USD");
    assert_eq!(place.files(".farthing/drafts"), [".farthing/drafts/ann-2020-01.pdf"]);
    assert!(place.read(".farthing/drafts/ann-2020-01.pdf").starts_with(b"%PDF-"));
    assert_eq!(place.files(".farthing/invoices"), [""; 0]);
    // Also of a month that is not over: what it would come to by now.
    place.farthing(&["invoice", "--preview", "--month", "2999-01"]).exits(0).says("10.00 USD");
    // The number is still free.
    place.run().exits(0).says("R-000001");
}

#[test]
fn what_changed_after_the_invoice_is_charged_with_the_next_month() {
    let place = Place::new("true-up");
    place.run().exits(0);
    let pdf = place.read(PDF);
    place.write("usage/one/late.jsonl", &used(31, "4"));
    place.farthing(&["run", "--month", "2020-02"]).exits(0);
    let february: Value = serde_json::from_slice(&place.read(".farthing/invoices/ann/2020-02-R-000002.json")).unwrap();
    // January was (6.75) × 0.50 = 3.38, is (6.75 + 4) × 0.50 = 5.375, rounded 5.38: 2.00 more.
    let corrections: Vec<&Value> =
        february["lines"].as_array().unwrap().iter().filter(|line| line["kind"] == "true-up").collect();
    assert_eq!(corrections.len(), 1);
    assert_eq!((&corrections[0]["period"], &corrections[0]["amount"]), (&"2020-01".into(), &"2.00".into()));
    assert_eq!(february["total"], "12.00");
    assert_eq!(place.read(PDF), pdf);
}

#[test]
fn an_invoice_is_explained_by_its_files_and_comes_out_of_them_again() {
    let place = Place::new("explain");
    place.run().exits(0);
    place.write("usage/one/late.jsonl", &used(31, "4"));
    place.farthing(&["run", "--month", "2020-02"]).exits(0);
    let told = place.farthing(&["explain", "R-000001"]).exits(0);
    told.says("one/monday.jsonl")
        .says("all files 4 6.75")
        .says("priced from these files alone: 6.75 at 3.38; that is line 2");
    let correction = place.farthing(&["explain", "R-000002"]).exits(0);
    correction
        .says("files that count otherwise than on R-000001")
        .says("one/late.jsonl came nothing 4 4")
        .says("all files 6.75 10.75")
        .says("the price of those files was 6.75 at 3.38; the price of these is 10.75 at 5.38");
    place.farthing(&["explain", "R-000001", "9"]).exits(1).complains("there is no such line; the invoice has 2 lines");
    place.farthing(&["explain", "R-000009"]).exits(1).complains("no invoice has this number");
    place.farthing(&["verify", "R-000001"]).exits(0).says("comes out of 3 files byte by byte");
    place.farthing(&["verify", "R-000002"]).exits(0).says("comes out of 4 files byte by byte");

    // Rollups that were tampered with.
    for rollup in place.files(".farthing/work/rollups") {
        let text = String::from_utf8(place.read(&rollup)).unwrap();
        fs::write(place.0.join(&rollup), text + " ").unwrap();
    }
    place.farthing(&["verify", "R-000002"]).exits(1).complains("missing or damaged");
}

#[test]
fn a_line_is_explained_down_to_its_records_and_every_list_adds_up() {
    let place = Place::new("records");
    // Ten times the same amount behind a nought, and a record that has something to say to a terminal.
    place.write("usage/one/many.jsonl", &(used(9, "0") + &used(9, "0.1").repeat(10)));
    place.write("usage/one/odd.jsonl", &used(10, "1").replace("}", ",\"note\":\"\u{202e}\u{7f}\"}"));
    place.run().exits(0);
    let told = place.farthing(&["explain", "R-000001", "2", "--show", "3"]).exits(0);
    told.says("records of one/many.jsonl")
        .says("1 0 {\"t\":\"2020-01-09T09:30:00Z\",\"n\":0} 1 0")
        .says("and 8 more 8 0.8")
        .says("all records 11 1");
    let json = |arguments: &[&str]| -> Value {
        let all: Vec<&str> = ["explain", "R-000001", "2", "--json"].iter().chain(arguments).copied().collect();
        serde_json::from_str(&place.farthing(&all).exits(0).out).unwrap()
    };
    let monday = json(&["--file", "one/monday.jsonl"]);
    let usage = &monday["lines"][0]["usage"];
    let records = &usage["records"][0]["records"]["shown"];
    // The second record begins behind the first one's line.
    let second = u64::try_from(used(6, "3").len()).unwrap();
    let places: Vec<_> = (0..2).map(|n| (records[n]["line"].as_u64(), records[n]["offset"].as_u64())).collect();
    assert_eq!(places, [(Some(1), Some(0)), (Some(2), Some(second))]);
    assert_eq!((&records[1]["text"], &records[1]["sum"]), (&used(6, "1.5").trim_end().into(), &"1.5".into()));
    assert_eq!(usage["records"][0]["total"]["sum"], "4.5");
    // 6.75 + 1 + 1
    assert_eq!((&usage["total"]["sum"], &usage["adds_up"]), (&"8.75".into(), &true.into()));
    assert_eq!(monday["lines"][0]["quantity"], "8.75");
    // With an end, and the rest as a sum.
    let few = json(&["--show", "1"]);
    let files = &few["lines"][0]["usage"]["files"];
    assert_eq!((files["shown"].as_array().unwrap().len(), &files["more"]), (1, &4.into()));
    assert_eq!((&files["shown"][0]["sum"], &files["of_more"]["sum"]), (&"1".into(), &"7.75".into()));

    place.farthing(&["explain", "R-000001", "2", "--file", "one/odd.jsonl"]).exits(0).says("\\u{202e}\\u{7f}");
    place
        .farthing(&["explain", "R-000001", "2", "--file", "none"])
        .exits(1)
        .complains("no usage of the line comes from it");
    // A fee has no files.
    place.farthing(&["explain", "R-000001", "1"]).exits(0).says("line 1: Fee");
    // What was counted is told from the tally; what the object says now is another matter.
    place.write("usage/one/monday.jsonl", &used(6, "9"));
    place
        .farthing(&["explain", "R-000001", "2", "--file", "one/monday.jsonl"])
        .exits(0)
        .says("the records of one/monday.jsonl cannot be told: the object was written anew since");
}

#[test]
fn a_correction_is_explained_by_what_came_went_and_changed() {
    let place = Place::empty("correction");
    place.write(
        "catalogue/all.yaml",
        &CATALOGUE.replace("format: json-lines", "format: json-lines\n    on-change: supersede"),
    );
    place.write("usage/one/a.jsonl", &used(6, "3"));
    place.write("usage/one/b.jsonl", &used(7, "2"));
    place.run().exits(0);
    place.write("usage/one/a.jsonl", &used(6, "1"));
    place.write("usage/one/c.jsonl", &used(8, "10"));
    place.farthing(&["run", "--month", "2020-02"]).exits(0);
    let told = place.farthing(&["explain", "R-000002", "--json"]).exits(0);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    let line = told["lines"].as_array().unwrap().iter().find(|line| line["period"] == "2020-01").unwrap();
    let usage = &line["usage"];
    let changes = usage["corrects"]["changes"]["shown"].as_array().unwrap();
    let said: Vec<_> = changes.iter().map(|change| (&change["key"], &change["what"], &change["difference"])).collect();
    let expected = [["one/a.jsonl", "changed", "-2"], ["one/c.jsonl", "came", "10"]].map(|row| row.map(Value::from));
    assert_eq!(said, expected.iter().map(|[key, what, by]| (key, what, by)).collect::<Vec<_>>());
    assert_ne!(changes[0]["was"]["sha256"], changes[0]["is"]["sha256"]);
    // Was 5 at 2.50, is 13 at 6.50: 4.00 more.
    assert_eq!((&usage["corrects"]["was"]["sum"], &usage["total"]["sum"]), (&"5".into(), &"13".into()));
    assert_eq!((&usage["priced"][0]["amount"], &line["amount"]), (&"6.50".into(), &"4.00".into()));
    assert_eq!(usage["adds_up"], true);
}

#[test]
fn a_range_is_read_again_by_another_mapping_and_again_by_the_first() {
    let place = Place::new("restate");
    place.run().exits(0).says("13.38 USD");

    let (from, until) = ("2000-01-01", "2100-01-01");
    let restate = |source: &str| place.farthing(&["restate", "--source", source, "--from", from, "--until", until]);
    restate("other").exits(1).complains("no such source; the catalogue has calls");
    place.write("catalogue/all.yaml", &CATALOGUE.replace("quantity: n", "quantity: n * 2"));
    // By itself a mapping is for files that come from then on.
    place.farthing(&["status"]).exits(0);
    restate("calls").exits(0).says("3 files were read, 0 of them wait for a person");
    // 6.75 more at 0.50: 3.38 was charged, 6.75 is right.
    place.farthing(&["run", "--month", "2020-02"]).exits(0).says("13.37 USD");
    place.farthing(&["explain", "R-000002"]).exits(0).says("counts otherwise 4.5 9 4.5");
    place.write("catalogue/all.yaml", CATALOGUE);
    restate("calls").exits(0).says("3 files were read");
    place.farthing(&["run", "--month", "2020-03"]).exits(0).says("6.63 USD");
    restate("calls").exits(0).says("0 files were read");
}

#[test]
fn an_overwritten_file_is_told_and_waived() {
    let place = Place::new("overwritten");
    place.write("usage/one/monday.jsonl", &used(6, "3"));
    place.farthing(&["invoice", "--preview", "--month", "2020-01"]).exits(0);
    place.write("usage/one/monday.jsonl", &used(6, "4"));
    place.run().exits(4).says("one/monday.jsonl: the object was overwritten with other content");
    place.farthing(&["status"]).exits(4).says("keeps every month open: one/monday.jsonl").says("`farthing waive`");
    let waive = ["waive", "one/monday.jsonl", "--by", "Ann Lee", "--reason", "a test file"];
    place.farthing(&waive).exits(0).says("Ann Lee answers for that: a test file");
    // 10.00 + (3 + 2 + 0.25) × 0.50 = 12.625.
    place.run().exits(0).says("12.63 USD");
    place.farthing(&["status"]).exits(0);
}

/// An invoice with a correction on it, its evidence and the usage files, in a folder where nothing else is.
fn with_evidence(test: &str) -> Place {
    let books = Place::new(&format!("{test}-books"));
    books.run().exits(0);
    // Another customer's file, and one that comes late.
    books.write("usage/two/a.jsonl", &used(6, "7"));
    books.write("usage/one/late.jsonl", &used(31, "4"));
    books.farthing(&["run", "--month", "2020-02"]).exits(0);
    books.farthing(&["evidence", "R-000002", "--to", "evidence"]).exits(0).says("farthing verify R-000002 --evidence");
    let place = Place::empty(test);
    for folder in ["evidence", "usage"] {
        for file in books.files(folder) {
            place.write(&file, std::str::from_utf8(&books.read(&file)).unwrap());
        }
    }
    place
}

const DERIVE: [&str; 6] = ["verify", "R-000002", "--evidence", "evidence", "--files", "usage"];

#[test]
fn an_invoice_is_derived_where_there_is_nothing_but_its_evidence_and_the_files() {
    let place = with_evidence("evidence");
    place.farthing(&DERIVE).exits(0).says("R-000002 comes out of 5 files byte by byte");
    let kept: Vec<String> = place.files("").into_iter().filter(|file| !file.starts_with("evidence/")).collect();
    assert_eq!(kept.len(), 5, "nothing is left behind: {kept:?}");
    // What others sent is not needed; what the customer sent is.
    fs::remove_file(place.0.join("usage/two/a.jsonl")).unwrap();
    place.farthing(&DERIVE).exits(0).says("comes out of 4 files").says("1 files are not at hand");
    fs::remove_file(place.0.join("usage/one/monday.jsonl")).unwrap();
    place.farthing(&DERIVE).exits(4).says("one/monday.jsonl").says("are missing").says("is NOT what its files say");
    place.farthing(&["verify", "R-000001", "--evidence", "evidence"]).exits(1).complains("name it with --files");
    let other = ["verify", "R-000001", "--evidence", "evidence", "--files", "usage"];
    place.farthing(&other).exits(1).complains("this is the evidence of R-000002, not of R-000001");
}

/// With another last digit; where there is none, with one.
fn tampered(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let Some(at) = bytes.iter().rposition(u8::is_ascii_digit) else { return b"7".to_vec() };
    bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
    bytes
}

#[test]
fn a_byte_that_is_changed_anywhere_is_found_and_named() {
    let place = with_evidence("tampered");
    for file in place.files("usage").into_iter().chain(place.files("evidence")) {
        let bytes = place.read(&file);
        fs::write(place.0.join(&file), tampered(&bytes)).unwrap();
        let name = file.split_once('/').unwrap().1;
        // Of the list itself the file is named that it now lists otherwise.
        let name = if name == "sha256sums.txt" { "is NOT what its files say" } else { name };
        place.farthing(&DERIVE).exits(4).says(name);
        fs::write(place.0.join(&file), bytes).unwrap();
    }
    place.farthing(&DERIVE).exits(0);
}

#[test]
fn whoever_mends_the_list_after_tampering_is_found_by_the_hashes_of_the_invoice() {
    let place = with_evidence("forged");
    let sums = place.read("evidence/sha256sums.txt");
    for file in place.files("evidence").into_iter().filter(|file| !file.ends_with("sha256sums.txt")) {
        // When a directory was recorded says nothing of who owned what.
        if file.contains("work/directory/") && file.ends_with(".json") {
            continue;
        }
        let bytes = place.read(&file);
        let forged = tampered(&bytes);
        fs::write(place.0.join(&file), &forged).unwrap();
        let list = String::from_utf8(sums.clone()).unwrap();
        let (old, new) = (ledger::names::sha256(&bytes), ledger::names::sha256(&forged));
        assert!(list.contains(&old), "{file}");
        // Of the names in the list only its first column is a sum.
        let mended = list.lines().map(|line| match line.split_once("  ") {
            Some((sum, name)) if sum == old => format!("{new}  {name}\n"),
            _ => format!("{line}\n"),
        });
        fs::write(place.0.join("evidence/sha256sums.txt"), mended.collect::<String>()).unwrap();
        let ended = place.farthing(&DERIVE);
        assert!([1, 4].contains(&ended.code), "{file}: {}{}", ended.out, ended.err);
        fs::write(place.0.join(&file), bytes).unwrap();
    }
    fs::write(place.0.join("evidence/sha256sums.txt"), sums).unwrap();
    place.farthing(&DERIVE).exits(0);
}

fn catalogues() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/catalogues")
}

#[test]
fn the_catalogue_of_the_demo_is_right() {
    let place = Place::empty("check-demo");
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/catalogue");
    let told = place.farthing(&["check", demo.to_str().unwrap()]).exits(0).says("the catalogue is right");
    assert_eq!(told.err, "");
}

/// A broken catalogue says at its end what has to be answered: `# expect FILE:LINE:COLUMN: MESSAGE (HINT)`.
#[test]
fn a_broken_catalogue_is_answered_with_file_line_and_hint() {
    let sound = fs::read_to_string(catalogues().join("sound.yaml")).unwrap();
    for name in ["unknown-currency", "misspelt-stream", "second-seller", "wrong-type", "tab", "missing-field"] {
        let text = fs::read_to_string(catalogues().join(format!("broken/{name}.yaml"))).unwrap();
        let place = Place::empty(&format!("check-{name}"));
        place.write("c/sound.yaml", &sound);
        // Without its own expectations: they would be quoted beside the mistake.
        let (mistake, _) = text.split_once("# expect ").unwrap();
        place.write(&format!("c/{name}.yaml"), mistake);
        let mut told = place.farthing(&["check", "c"]).exits(3);
        assert_eq!(told.out, "");
        let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# expect ")).collect();
        assert!(!expected.is_empty());
        for line in expected {
            let (at, said) = line.split_once(": ").unwrap();
            let (said, hint) = said.rsplit_once(" (").unwrap_or((said, ""));
            // A file that is named within a message is named as it was given.
            let said =
                said.trim_start_matches("warning: ").replace(&format!("at {name}.yaml"), &format!("at c/{name}.yaml"));
            told = told.complains(&format!("[c/{at}]")).complains(&said).complains(hint.trim_end_matches(')'));
        }
    }
}

#[test]
fn what_may_not_be_meant_is_said_and_does_not_stand_in_the_way() {
    let place = Place::new("check-warnings");
    place.write(
        "catalogue/more.yaml",
        "components: [{name: spare, title: Spare, stream: calls, price: {per-unit: 1}}]\n",
    );
    place.farthing(&["check", "catalogue"]).exits(0).says("the catalogue is right").complains("spare");
}

#[test]
fn a_price_is_told_step_by_step_and_as_json() {
    let place = Place::new("price");
    let asked = ["price", "plan", "--usage", "calls=12.5", "--period", "2020-01"];
    let told = place.farthing(&asked).exits(0);
    told.says("12.5 call × 0.50 = 6.25").says("10.00 for the month").says("16.25 USD");
    let json: Value = serde_json::from_str(&place.farthing(&[&asked[..], &["--json"]].concat()).out).unwrap();
    assert_eq!((json["total"].as_str(), json["lines"][1]["amount"].as_str()), (Some("16.25"), Some("6.25")));
}

#[test]
fn a_price_has_the_lines_and_steps_of_the_invoice() {
    let place = Place::new("price-as-invoiced");
    place.run().exits(0);
    let invoice: Value = serde_json::from_slice(&place.read(JSON)).unwrap();
    let priced = place.farthing(&["price", "plan", "--usage", "calls=6.75", "--period", "2020-01", "--json"]).exits(0);
    let priced: Value = serde_json::from_str(&priced.out).unwrap();
    let lines = [&invoice, &priced].map(|told| told["lines"].as_array().unwrap());
    assert_eq!(lines.map(Vec::len), [2, 2]);
    for (line, same) in lines[0].iter().zip(lines[1]) {
        for (field, value) in line.as_object().unwrap().iter().filter(|(field, _)| *field != "days") {
            assert_eq!(value, &same[field], "{field}");
        }
    }
}

#[test]
fn a_price_knows_seats_other_numbers_add_ons_coupons_currencies_and_taxes() {
    let place = Place::new("price-held");
    let taxed = CATALOGUE.replace("    address: [Lane 2]\n", "    address: [Lane 2]\n    tax: {jurisdiction: DE}\n");
    place.write("catalogue/all.yaml", &taxed);
    place.write(
        "catalogue/more.yaml",
        "
taxes: [{jurisdiction: DE, title: VAT, rates: {standard: [{from: 2020-01-01, percent: 19}]}}]
components: [{name: audit, title: Audit, stream: calls, prices: {USD: {per-unit: 0.10}, EUR: {per-unit: 0.09}}}]
plans:
  - name: team
    title: Team
    currency: [USD, EUR]
    recurring: [{title: Seats, amount: {USD: 14.00, EUR: 13.00}, per: seats}]
coupons: [{name: HALF, title: Half, percent: 50, months: 1}]
",
    );
    let seats = ["price", "team", "--period", "2020-01", "--quantity", "seats=10"];
    place.farthing(&seats).exits(0).says("10 seats × 14.00 = 140.00").says("140.00 USD");
    let held = [&seats[..], &["--currency", "EUR", "--set", "recurring.seats.amount=12", "--add-on", "audit"]].concat();
    let held = [&held[..], &["--usage", "calls=100", "--coupon", "HALF", "--tax", "DE"]].concat();
    // 10 × 12.00 + 100 × 0.09 = 129.00, half of it off; 19 % of 64.50 = 12.255.
    let told = place.farthing(&held).exits(0);
    told.says("-64.50").says("net").says("64.50 EUR").says("VAT 19 % on 64.50").says("12.26 EUR").says("76.76 EUR");
    let json: Value = serde_json::from_str(&place.farthing(&[&held[..], &["--json"]].concat()).exits(0).out).unwrap();
    assert_eq!((json["total"].as_str(), json["taxes"]["gross"].as_str()), (Some("64.50"), Some("76.76")));
    for (more, part) in [
        (["--currency", "JPY"], "the plan “team” is in USD, EUR, not in JPY"),
        (["--coupon", "HALV"], "coupons[0].name: there is no coupon `HALV` (did you mean `HALF`?)"),
        (["--add-on", "aud"], "add-ons[0].plan: there is no plan `aud`"),
        (["--set", "recurring.seats.amont=1"], "the plan has no number at `recurring.seats.amont`"),
        (["--quantity", "sites=1"], "no fee of the plan “team” is charged per “sites”"),
        (["--quantity", "seats=ten"], "“ten” is not a number"),
        (["--tax", "FR"], "FR"),
    ] {
        place.farthing(&[&seats[..], &more].concat()).exits(2).complains(part);
    }
}

/// An example that comes out otherwise: `check` refuses, and a price can still be asked for, to see why.
#[test]
fn check_refuses_an_example_that_comes_out_otherwise() {
    let place = Place::new("check-example");
    let plan = "recurring: [{title: Fee, amount: 10.00}], components: [calls]";
    let wrong = format!("examples: [{{period: 2020-01, usage: {{calls: 3}}, total: 12.00}}], {plan}");
    assert!(CATALOGUE.contains(plan));
    place.write("catalogue/all.yaml", &CATALOGUE.replace(plan, &wrong));
    let told = place.farthing(&["check", "catalogue"]);
    told.complains("the example expects 12.00 USD, and it is 11.50 USD").exits(3);
    place.farthing(&["price", "plan", "--usage", "calls=3", "--period", "2020-01"]).exits(0).says("11.50 USD");
}

#[test]
fn a_price_that_cannot_be_told_says_why() {
    let place = Place::new("no-price");
    for (arguments, part) in [
        (vec!["pla"], "there is no plan or component “pla”; plans: plan; components: calls"),
        (vec!["plan", "--usage", "calls"], "write a name and a value, such as storage=12.5TB"),
        (vec!["plan", "--usage", "calls=1TB"], "“call” is no unit that can be converted"),
        (vec!["plan", "--usage", "calls=1,on=2020-02-01"], "not within the month"),
        (vec!["plan", "--from", "1st"], "--from: `1st` is no day of the calendar"),
        (vec!["plan", "--currency", "EUR"], "the plan “plan” is in USD"),
    ] {
        place.farthing(&[&["price", "--period", "2020-01"], &arguments[..]].concat()).exits(2).complains(part);
    }
}

#[test]
fn plan_needs_the_folder_of_usage() {
    let place = Place::new("plan-usage");
    place.run().exits(0);
    let told = place.farthing(&["plan", "catalogue", "catalogue", "--usage", "elsewhere"]).exits(1);
    told.complains("elsewhere: there is no such folder of usage files; name with --usage");
}
