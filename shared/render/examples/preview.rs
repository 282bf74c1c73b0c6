//! Typesets an invoice's JSON: `cargo run -p render --example preview -- invoice.json out.pdf [view.json]`.
//!
//! The third argument receives what the template is given, for work on the template without a Rust build.

use std::error::Error;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [invoice, pdf, rest @ ..] = arguments.as_slice() else {
        return Err("give the paths of an invoice's JSON and of the PDF to write".into());
    };
    let invoice = invoicing::Invoice::from_json(&fs::read_to_string(invoice)?)?;
    if let Some(view) = rest.first() {
        fs::write(view, render::view_json(&invoice)?)?;
    }
    fs::write(pdf, render::pdf(&invoice)?)?;
    Ok(())
}
