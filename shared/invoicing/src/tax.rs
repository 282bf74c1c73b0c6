//! Taxes of an invoice: worked out once for each treatment, on the sum of the rounded lines, and rounded once.

use metering::exact::{Exact, ExactError, Rounding};
use pricing::{Amount, MoneyError, TaxCode, Treatment, by_treatment, text};
use serde::{Deserialize, Serialize};

use crate::document::{DocumentError, Invoice, Line};

/// Net, taxes and gross; the gross is the invoice's total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taxes {
    /// The sum of the lines' amounts, all minor digits.
    pub net: String,
    /// The sum of the rows' amounts.
    pub tax: String,
    /// One for each jurisdiction, category and rate, numbered from 1.
    pub rows: Vec<TaxRow>,
}

/// What one jurisdiction takes at one rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRow {
    /// Position, from 1; lines name it.
    pub number: u32,
    /// Whose tax.
    pub jurisdiction: String,
    /// What it is called.
    pub title: String,
    /// The VAT category code of EN 16931.
    pub code: TaxCode,
    /// Hundredths, a plain decimal; absent outside the tax, where there is no rate.
    pub percent: Option<String>,
    /// Why nothing is charged: the exemption with its certificate, or the note of the reverse charge.
    pub note: Option<String>,
    /// The sum of its lines' amounts.
    pub base: String,
    /// How the amount was rounded, once.
    pub rounding: Rounding,
    /// The base × the rate, rounded to the minor unit.
    pub amount: String,
}

impl TaxRow {
    /// How its lines are taxed.
    ///
    /// # Errors
    /// [`ExactError`] for a rate that is no number.
    pub fn treatment(&self) -> Result<Treatment, ExactError> {
        Ok(Treatment {
            jurisdiction: self.jurisdiction.clone(),
            title: self.title.clone(),
            code: self.code,
            percent: self.percent.as_deref().map(Exact::parse).transpose()?,
            note: self.note.clone(),
            rounding: self.rounding,
        })
    }
}

/// Adds the lines up by their treatments, and tells each line the rows that it is in.
///
/// Rows stand in the order in which their jurisdictions and treatments first come up, the highest rate first.
pub(crate) fn tax(
    lines: &mut [Line],
    amounts: &[Amount],
    treatments: &[Vec<Treatment>],
    digits: u32,
) -> Result<(Taxes, Amount), MoneyError> {
    let groups = by_treatment(amounts.iter().copied().zip(treatments.iter().map(Vec::as_slice)))?;
    for (line, treatments) in lines.iter_mut().zip(treatments) {
        let place = |treatment: &Treatment| groups.iter().position(|(known, _)| known == treatment);
        line.taxes = treatments.iter().filter_map(place).filter_map(numbered).collect();
        line.taxes.sort_unstable();
    }
    let (mut tax, mut rows) = (Amount::ZERO, Vec::new());
    for (index, (treatment, base)) in groups.into_iter().enumerate() {
        let amount = treatment.amount_of(base, digits).map_err(|_| MoneyError::Overflow)?;
        tax = tax.add(amount)?;
        rows.push(row(numbered(index).ok_or(MoneyError::Overflow)?, (treatment, base), amount, digits));
    }
    let net = Amount::sum(amounts.iter().copied())?;
    Ok((Taxes { net: net.format(digits), tax: tax.format(digits), rows }, net.add(tax)?))
}

fn numbered(index: usize) -> Option<u32> {
    u32::try_from(index).ok()?.checked_add(1)
}

fn row(number: u32, (treatment, base): (Treatment, Amount), amount: Amount, digits: u32) -> TaxRow {
    TaxRow {
        number,
        jurisdiction: treatment.jurisdiction,
        title: treatment.title,
        code: treatment.code,
        percent: treatment.percent.map(|percent| text::plain(&percent, 0)),
        note: treatment.note,
        base: base.format(digits),
        rounding: treatment.rounding,
        amount: amount.format(digits),
    }
}

impl Invoice {
    /// Whether the taxes are what the lines come to: every row from its own lines, net, tax and total.
    pub(crate) fn check_taxes(&self, net: Amount, total: Amount) -> Result<(), DocumentError> {
        let Some(taxes) = &self.taxes else { return self.untaxed() };
        let mut tax = Amount::ZERO;
        for (index, row) in taxes.rows.iter().enumerate() {
            let at = format!("taxes.rows[{index}]");
            if numbered(index) != Some(row.number) {
                return Err(DocumentError::Tax(format!("{at} has the number {}", row.number)));
            }
            tax = add(tax, self.check_row(&at, row)?)?;
        }
        self.every_line_is_taxed(taxes)?;
        self.stated("taxes.net", &taxes.net, net)?;
        self.stated("taxes.tax", &taxes.tax, tax)?;
        self.stated("total", &total.format(self.minor_digits), add(net, tax)?)
    }

    fn untaxed(&self) -> Result<(), DocumentError> {
        match self.lines.iter().find(|line| !line.taxes.is_empty()) {
            Some(line) => {
                Err(DocumentError::Tax(format!("line {} is taxed, and the invoice has no taxes", line.number)))
            }
            None => Ok(()),
        }
    }

    fn every_line_is_taxed(&self, taxes: &Taxes) -> Result<(), DocumentError> {
        let known = |number: &u32| taxes.rows.iter().any(|row| row.number == *number);
        match self.lines.iter().find(|line| line.taxes.is_empty() || !line.taxes.iter().all(known)) {
            Some(line) => {
                Err(DocumentError::Tax(format!("line {} is in no row of the taxes, or in none there is", line.number)))
            }
            None => Ok(()),
        }
    }

    /// The row's amount, worked out from its lines.
    fn check_row(&self, at: &str, row: &TaxRow) -> Result<Amount, DocumentError> {
        let mut base = Amount::ZERO;
        for line in self.lines.iter().filter(|line| line.taxes.contains(&row.number)) {
            base = add(base, self.amount("a taxed line", &line.amount)?)?;
        }
        let wrong = |error: ExactError| DocumentError::Tax(format!("{at}: {error}"));
        let amount =
            row.treatment().and_then(|treatment| treatment.amount_of(base, self.minor_digits)).map_err(wrong)?;
        self.stated(&format!("{at}.base"), &row.base, base)?;
        self.stated(&format!("{at}.amount"), &row.amount, amount)?;
        Ok(amount)
    }

    fn stated(&self, at: &str, stated: &str, computed: Amount) -> Result<(), DocumentError> {
        if self.amount(at, stated)? == computed {
            return Ok(());
        }
        let computed = computed.format(self.minor_digits);
        Err(DocumentError::Tax(format!("{at} is {stated}, and it comes to {computed}")))
    }
}

fn add(left: Amount, right: Amount) -> Result<Amount, DocumentError> {
    left.add(right).map_err(|source| DocumentError::Amount { at: "taxes".to_owned(), source })
}
