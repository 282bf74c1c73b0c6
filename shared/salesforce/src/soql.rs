//! Queries: names by pattern, values escaped, nothing else let in. The language has no bind variables.

use catalog::salesforce::is_name;
use metering::time::Instant;

use crate::value;

/// The longest query that is sent in an address; Salesforce refuses addresses with headers over 16,384 bytes.
const LONGEST: usize = 6_000;

/// What cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SoqlError {
    /// A name that is no name.
    #[error("`{0}` is no name of a Salesforce object or field: letters, digits and `_`, parts joined by `.`")]
    Name(String),
    /// Too much for one address.
    #[error("a query of {0} has {1} characters, more than {LONGEST}; map fewer fields")]
    Long(String, usize),
}

/// A text as a literal.
#[must_use]
pub fn text_literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push('\'');
    for letter in text.chars() {
        match letter {
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("\\'"),
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// Which records of an object are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Every one, without a date: the first load and the daily comparison.
    All,
    /// Those changed in `[from, until)`.
    Changed(Instant, Instant),
    /// Those with these ids; at most 200.
    Ids(Vec<crate::Id>),
}

/// A query for the mapped fields of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    object: String,
    fields: Vec<String>,
}

impl Select {
    /// A query for `fields`, which must be names.
    ///
    /// # Errors
    /// [`SoqlError`].
    pub fn new(object: &str, fields: &[String]) -> Result<Self, SoqlError> {
        for name in fields.iter().map(String::as_str).chain([object]) {
            if !is_name(name) {
                return Err(SoqlError::Name(name.to_owned()));
            }
        }
        Ok(Self { object: object.to_owned(), fields: fields.to_vec() })
    }

    /// The object.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The fields in the order in which rows have them.
    #[must_use]
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// The query's text. Ordered by time and id, so that a page that ends between two equal times loses none.
    ///
    /// # Errors
    /// [`SoqlError::Long`].
    pub fn text(&self, which: &Which) -> Result<String, SoqlError> {
        let mut text = format!("SELECT {} FROM {}", self.fields.join(", "), self.object);
        match which {
            Which::All => {}
            Which::Changed(from, until) => {
                let (from, until) = (value::literal(*from), value::literal(*until));
                text.push_str(&format!(
                    " WHERE SystemModstamp >= {from} AND SystemModstamp < {until} ORDER BY SystemModstamp, Id"
                ));
            }
            Which::Ids(ids) => {
                let ids: Vec<String> = ids.iter().map(|id| text_literal(id.as_str())).collect();
                text.push_str(&format!(" WHERE Id IN ({}) ORDER BY SystemModstamp, Id", ids.join(",")));
            }
        }
        if text.len() > LONGEST {
            return Err(SoqlError::Long(self.object.clone(), text.len()));
        }
        Ok(text)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a literal stands for, read as Salesforce reads it.
    fn read_back(literal: &str) -> Option<String> {
        let inside = literal.strip_prefix('\'')?.strip_suffix('\'')?;
        let (mut text, mut letters) = (String::new(), inside.chars());
        while let Some(letter) = letters.next() {
            match letter {
                '\'' => return None,
                '\\' => text.push(match letters.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    other @ ('\\' | '\'' | '"') => other,
                    _ => return None,
                }),
                other => text.push(other),
            }
        }
        Some(text)
    }

    proptest! {
        #[test]
        fn a_literal_stands_for_its_text_and_nothing_escapes_from_it(text in any::<String>()) {
            prop_assert_eq!(read_back(&text_literal(&text)), Some(text));
        }

        #[test]
        fn what_is_not_a_name_is_not_asked(text in "[A-Za-z0-9_. ';,()\\n-]{0,20}") {
            let select = Select::new("Account", std::slice::from_ref(&text));
            prop_assert_eq!(select.is_ok(), is_name(&text));
            prop_assert!(!is_name(&text) || !text.contains([' ', '\'', ';', ',', '(', ')', '-', '\n']));
        }
    }

    #[test]
    fn a_window_is_half_open_and_ordered() {
        let fields = ["Id", "Account__r.Tier__c"].map(str::to_owned);
        let select = Select::new("Deployment__c", &fields).unwrap();
        let text = select.text(&Which::Changed(Instant(0), Instant(900_007))).unwrap();
        let expected = "SELECT Id, Account__r.Tier__c FROM Deployment__c WHERE SystemModstamp >= 1970-01-01T00:00:00.000Z \
             AND SystemModstamp < 1970-01-01T00:15:00.007Z ORDER BY SystemModstamp, Id";
        assert_eq!(text, expected);
        assert_eq!(select.text(&Which::All).unwrap(), "SELECT Id, Account__r.Tier__c FROM Deployment__c");
    }

    #[test]
    fn names_are_told_from_everything_else() {
        for good in ["Id", "Account__c", "SBQQ__Contract__r.Account.Name", "a.b.c.d.e.f"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", ".", "a.", "1a", "_a", "a b", "Id FROM User", "a.b.c.d.e.f.g", "Größe"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
