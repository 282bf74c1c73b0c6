//! A mapping that cannot work is answered with the place, the reason and what to do.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use common::{compile, source, translate, translate_error};
use usage::{Limits, ObjectContext, SourceSpec, Translator};

const GOOD: &str = r#"
name: api
objects: "usage/{site}/**"
format: csv
csv: {columns: [cluster, time, calls]}
deployment: {field: cluster}
time: {field: time, format: rfc3339}
usage:
- {stream: calls, quantity: calls}
"#;

#[test]
fn every_mistake_names_its_place() {
    assert!(compile(GOOD).is_ok());
    for (from, to, path, message, hint) in [
        ("name: api", "name: a/b", "name", "letters", ""),
        ("{site}/**", "{site", "objects", "brace", ""),
        ("{field: cluster}", "{tag: sites}", "deployment.tag", "no capture `{sites}`", "did you mean `site`?"),
        ("{field: cluster}", "{tag: site, field: cluster}", "deployment", "exactly one", "deployment: {tag: site}"),
        ("{field: cluster}", "{}", "deployment", "exactly one", ""),
        (
            "{field: cluster}",
            "{field: clustr}",
            "csv.columns",
            "`clustr` that is not declared",
            "did you mean `cluster`?",
        ),
        ("{field: cluster}", "{field: $carried.x}", "deployment.field", "nothing is carried under the name `x`", ""),
        ("{field: cluster}", "{field: $value}", "deployment.field", "needs an `each`", ""),
        ("name: api", "name: api\ncarry: {fields: {a: clustr}}", "csv.columns", "`clustr`", "did you mean `cluster`?"),
        ("name: api", "name: api\ncarry: {fields: {}}", "carry.fields", "nothing is carried", "$carried.meter"),
        ("name: api", "name: api\ncut: {x: {field: time, match: '('}}", "cut.x.match", "regular expression", ""),
        ("{field: cluster}", "{field: $cut.x}", "deployment.field", "nothing is cut out under the name `x`", ""),
        (
            "{field: cluster}",
            "{field: $cut.x}\ncut: {x: {field: $cut.x, match: a}}",
            "deployment.field",
            "cannot be made of another",
            "",
        ),
        ("quantity: calls", "quantity: calls, unit: {}", "usage[0].unit", "a unit is a name, or a `field`", ""),
        ("quantity: calls", "quantity: calls, unit: {field: unt}", "csv.columns", "`unt` that is not declared", ""),
        ("name: api", "name: api\nparts: 2", "parts", "there is none", ""),
        ("name: api", "name: api\neach: $5..$3", "each", "ends before it begins", ""),
        ("name: api", "name: api\nlines: {ignore: '('}", "lines.ignore", "regular expression", ""),
        ("name: api", "name: api\nlines: {start: '^x'}", "lines", "join lines of text", ""),
        ("name: api", "name: api\nlines: {skip-last: 5000}", "lines.skip-last", "at most 1000", ""),
        ("csv: {columns: [cluster, time, calls]}", "csv: {header: maybe}", "csv.header", "`maybe`", "find"),
        ("{field: cluster}", "{field: $tag.x}", "deployment.field", "no capture `{x}`", ""),
        ("{field: cluster}", "{field: $4}", "csv.columns", "beyond the columns", ""),
        ("{field: cluster}", "{field: $0}", "deployment.field", "numbered from `$1`", ""),
        ("{field: cluster}", "{field: a b}", "deployment.field", "double quotes", ""),
        ("format: rfc3339", "format: iso8601", "time.format", "no time format `iso8601`", "rfc3339"),
        ("format: rfc3339", "format: rfc3339, zone: Mars", "time.zone", "no time zone `Mars`", "Europe/Berlin"),
        ("stream: calls", "stream: call", "usage[0].stream", "no stream `call`", "did you mean `calls`?"),
        ("quantity: calls", "quantity: calls x", "usage[0].quantity", "goes on", ""),
        ("quantity: calls", "quantity: calls +", "usage[0].quantity", "blank on both sides", ""),
        ("quantity: calls", "quantity: calls + ", "usage[0].quantity", "blank on both sides", ""),
        ("quantity: calls", "quantity: size(calls)", "usage[0].quantity", "no function `size( )`", ""),
        ("quantity: calls", "quantity: duration(calls", "usage[0].quantity", "is not closed", ""),
        ("quantity: calls", "quantity: between(time)", "usage[0].quantity", "two fields that hold times", ""),
        ("quantity: calls", "quantity: \"between(time, time, 'x')\"", "usage[0].quantity", "no time format `x`", ""),
        ("quantity: calls", "quantity: \"between(time, time, '%Y')\"", "usage[0].quantity", "name no zone", ""),
        ("quantity: calls", "quantity: amount(calls)", "usage[0].quantity", "a field and a unit", ""),
        ("quantity: calls", "quantity: \"amount(calls, '%')\"", "usage[0].quantity", "`%` is no unit", ""),
        ("quantity: calls", "quantity: calls, unit: GB", "usage[0].unit", "one measures byte, the other call", ""),
        ("quantity: calls", "quantity: calls, unit: cals", "usage[0].unit", "does not convert", ""),
        (
            "stream: calls, quantity: calls",
            "stream: hours, quantity: calls, unit: minuts",
            "usage[0].unit",
            "",
            "did you mean `minute`?",
        ),
        ("quantity: calls", "quantity: calls * 2, unit: written", "usage[0].unit", "a calculation", "amount("),
        ("quantity: calls", "quantity: calls, round: {digits: 4, rule: up}", "usage[0].round", "has only 3", ""),
        ("name: api", "name: api\nunits: {K: '%'}", "units.K", "no unit", "KiB"),
        ("name: api", "name: api\nnumber: {decimal: x}", "number.decimal", "before decimals", ""),
        ("name: api", "name: api\nnumber: {decimal: ',', group: ','}", "number.group", "same sign", ""),
        ("{field: cluster}", "{field: cluster, match: '('}", "deployment.match", "regular expression", ""),
        (
            "{field: cluster}",
            "{field: cluster, otherwise: x}",
            "deployment.otherwise",
            "belongs to `match` or `map`",
            "",
        ),
        (
            "quantity: calls",
            "quantity: calls, series: {field: time, match: '('}",
            "usage[0].series.match",
            "regular",
            "",
        ),
        (
            "quantity: calls",
            "quantity: calls, where: {field: time, any: [{field: time, present: true}]}",
            "usage[0].where",
            "or `any`, or `all`",
            "",
        ),
        (
            "quantity: calls",
            "quantity: calls, where: {any: [{field: time}]}",
            "usage[0].where.any[0]",
            "exactly one",
            "",
        ),
        (
            "quantity: calls",
            "quantity: calls, where: {field: time, above: x}",
            "usage[0].where.above",
            "`x` is no number",
            "texts",
        ),
        (
            "quantity: calls",
            "quantity: calls, where: {field: time, above: 1, equals: 2}",
            "usage[0].where",
            "exactly one",
            "",
        ),
        ("quantity: calls", "quantity: calls * (2", "usage[0].quantity", "not closed", ""),
        ("quantity: calls", "quantity: ''", "usage[0].quantity", "expected", ""),
        ("quantity: calls", "quantity: calls, where: {field: x}", "usage[0].where", "exactly one", "`equals`"),
        (
            "quantity: calls",
            "quantity: calls, where: {field: time, pattern: '('}",
            "usage[0].where.pattern",
            "regular expression",
            "",
        ),
        ("quantity: calls", "quantity: calls, series: $key", "usage[0].series", "`$key`", ""),
        ("quantity: calls", "quantity: calls, each: x*", "csv.columns", "no column like `x*`", ""),
        ("csv: {columns", "csv: {header: true, columns", "csv.columns", "named by the header", ""),
        ("csv: {columns", "csv: {delimiter: 'é', columns", "csv.delimiter", "one ASCII character", "tab"),
        ("csv: {columns", "csv: {delimiter: '123456789', columns", "csv.delimiter", "eight bytes", "tab"),
        ("csv: {columns: [cluster, time, calls]}", "csv: {header: false}", "csv.header", "no column `cluster`", "$1"),
        ("format: csv", "format: json-lines", "csv", "belongs to `format: csv`", ""),
        ("format: csv\ncsv: {columns: [cluster, time, calls]}", "format: text", "format", "needs `text`", ""),
        (
            "format: csv\ncsv: {columns: [cluster, time, calls]}",
            "format: text\ntext: {pattern: '(?<time>.*) (?<call>.*)'}",
            "text.pattern",
            "`(?<cluster>…)`",
            "",
        ),
        ("- {stream: calls, quantity: calls}", "  []", "usage", "says nothing", ""),
        ("name: api", "name: api\nreject-limit: 2", "reject-limit", "no share", "0.001"),
        ("name: api", "name: api\nreject-limit: lots", "reject-limit", "no share", ""),
        ("name: api", "name: api\ndelivery: replace", "delivery", "needs `replaces`", "same: [site, month]"),
        ("name: api", "name: api\nreplaces: {same: site}", "replaces", "belongs to", "delivery: replace"),
        ("name: api", "name: api\ndelivery: replace\nreplaces: {same: []}", "replaces.same", "no capture", ""),
        (
            "name: api",
            "name: api\ndelivery: replace\nreplaces: {same: sites}",
            "replaces.same",
            "no capture `{sites}`",
            "did you mean `site`?",
        ),
        (
            "name: api",
            "name: api\ndelivery: replace\nreplaces: {same: site, latest: run}",
            "replaces.latest",
            "no capture `{run}`",
            "",
        ),
        (
            "objects: \"usage/{site}/**\"\nformat: csv\ncsv: {columns: [cluster, time, calls]}\ndeployment: {field: cluster}",
            "objects: \"{month}/{site}.csv\"\ndelivery: replace\nreplaces: {same: month}\nformat: csv\n\
             csv: {columns: [cluster, time, calls]}\ndeployment: {tag: site}",
            "replaces.same",
            "a file would take the place of those of other deployments",
            "same: [month, site]",
        ),
        ("name: api", "name: api\nevent-id: $tag.x", "event-id", "no capture `{x}`", ""),
    ] {
        let problems = compile(&GOOD.replace(from, to)).unwrap_err();
        let found = problems.iter().find(|problem| problem.path == path);
        let found = found.unwrap_or_else(|| unreachable!("{to}: nothing at {path}: {problems:?}"));
        assert!(found.message.contains(message), "{to}: {}", found.message);
        assert!(found.hint.as_deref().unwrap_or_default().contains(hint), "{to}: {:?}", found.hint);
    }
}

#[test]
fn all_mistakes_are_found_at_once() {
    let text = GOOD.replace("rfc3339", "x").replace("stream: calls", "stream: x").replace("name: api", "name: ''");
    let paths: Vec<String> = compile(&text).unwrap_err().into_iter().map(|problem| problem.path).collect();
    assert_eq!(paths, ["name", "time.format", "usage[0].stream"]);
}

#[test]
fn an_unknown_field_is_no_mapping() {
    assert!(serde_yaml_ng::from_str::<SourceSpec>(&GOOD.replace("time:", "times:")).is_err());
    assert!(serde_yaml_ng::from_str::<SourceSpec>(&GOOD.replace("format: csv", "format: excel")).is_err());
}

#[test]
fn the_hash_says_whether_files_are_translated_alike() {
    let hash = |yaml: &str| source(yaml).hash().to_owned();
    assert_eq!(hash(GOOD), hash(&format!("# a comment\n{GOOD}")));
    assert_ne!(hash(GOOD), hash(&GOOD.replace("quantity: calls", "quantity: calls * 2")));
    assert_ne!(hash(GOOD), hash(&GOOD.replace("stream: calls", "stream: hours")));
    assert_eq!(hash(GOOD).len(), 64);
}

#[test]
fn a_column_that_the_header_has_not_makes_the_object_unreadable() {
    let source = source(&GOOD.replace("csv: {columns: [cluster, time, calls]}", ""));
    for (header, reason) in [
        ("cluster,time,Calls\n", "no column `calls`, which the mapping uses; did you mean `Calls`?"),
        ("cluster,time\n", "no column `calls`, which the mapping uses; there are: `cluster`, `time`"),
        ("cluster,time,calls,calls\n", "names the column `calls` twice"),
    ] {
        let error = translate_error(&source, header.as_bytes());
        assert!(error.contains(reason), "{error}");
    }
    assert_eq!(translate(&source, b"calls,cluster,time\n").unwrap().tally.counts.records, 0);
}

#[test]
fn an_open_quote_and_an_open_array_are_truncated_objects() {
    let row = "c,2026-02-01T00:00:00Z,\"1\n";
    assert!(translate_error(&source(GOOD), row.as_bytes()).contains("line 1 is never closed"));
    let array = source(&GOOD.replace("format: csv\ncsv: {columns: [cluster, time, calls]}", "format: json-array"));
    for (text, reason) in [
        (r#"[{"cluster":"c"}"#, "not closed"),
        (r#"{"cluster":"c"}"#, "does not begin with `[`"),
        ("[] x", "text after the bracket"),
        (" ", "only blanks"),
    ] {
        let error = translate_error(&array, text.as_bytes());
        assert!(error.contains(reason), "{text}: {error}");
    }
    for (text, records) in [("[]", 0), (" [ ] \n", 0), ("[1,,2]", 3), ("[1,]", 2), ("[[],{}]", 2)] {
        let counts = translate(&array, text.as_bytes()).unwrap().tally.counts;
        assert_eq!((counts.records, counts.rejected), (records, records), "{text}");
    }
}

#[test]
fn limits_make_the_object_unreadable() {
    let source = source(GOOD);
    let tight = Limits { decoded_bytes: 1000, record_bytes: 60, cells: 3, ..Limits::default() };
    let read = |text: String| {
        let mut translator = Translator::with_limits(&source, ObjectContext::default(), tight);
        translator.push(text.as_bytes())?;
        translator.finish()
    };
    let row = |cluster: &str| format!("{cluster},2026-02-01T00:00:00Z,1\n");
    assert_eq!(read(row("a").repeat(3)).unwrap().tally.counts.tallied, 3);
    for (text, reason) in [
        (row("a").repeat(100), "more than 1000 bytes"),
        (row(&"a".repeat(60)), "on line 1 is longer than 60 bytes"),
        (["a", "b", "c", "d"].map(row).concat(), "more than 3 cells"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn rejects_are_kept_up_to_a_number_and_counted_without_end() {
    let source = source(GOOD);
    let limits = Limits { rejects: 2, reject_bytes: 3, ..Limits::default() };
    let mut translator = Translator::with_limits(&source, ObjectContext::default(), limits);
    translator.push(b"a,b\nabcdef,g\nc\nd\n").unwrap();
    let translation = translator.finish().unwrap();
    assert_eq!(translation.tally.counts.rejected, 4);
    assert_eq!(translation.rejects.len(), 2);
    assert_eq!((translation.rejects[1].bytes.as_slice(), translation.rejects[1].length), (&b"abc"[..], 8));
    let entry = serde_json::to_value(translation.rejects[1].describe("usage/k", "etag")).unwrap();
    assert_eq!((&entry["object"], &entry["line"], &entry["text"]), (&"usage/k".into(), &2.into(), &"abc".into()));
}
