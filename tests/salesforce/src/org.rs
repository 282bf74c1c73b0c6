//! The records of an organisation, and who sees which fields.

use std::collections::{BTreeMap, BTreeSet};

use catalog::salesforce::Id;
use chrono::SecondsFormat;
use metering::time::Instant;

/// How a field's values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In quotes.
    Text,
    /// A number, digit by digit.
    Number,
    /// `true` or `false`.
    Flag,
    /// A date and time.
    Moment,
    /// A day.
    Day,
    /// The id of another record, by the name of the relation and the object.
    Lookup(&'static str, &'static str),
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
}

/// Values by field; times as milliseconds.
pub type Record = BTreeMap<String, String>;

/// An object with its records.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// What ids of its records begin with.
    pub prefix: &'static str,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Records by id.
    pub records: BTreeMap<String, Record>,
    /// Fields that nobody is let see.
    pub hidden: BTreeSet<String>,
    /// Whether Bulk does not know it.
    pub rest_only: bool,
}

/// Every object has these.
const SYSTEM: [Field; 4] = [
    Field { name: "Id", kind: Kind::Text },
    Field { name: "IsDeleted", kind: Kind::Flag },
    Field { name: "SystemModstamp", kind: Kind::Moment },
    Field { name: "CreatedDate", kind: Kind::Moment },
];

impl Object {
    /// An object with these fields besides those that every one has.
    #[must_use]
    pub fn new(prefix: &'static str, fields: &[(&'static str, Kind)]) -> Self {
        let own = fields.iter().map(|(name, kind)| Field { name, kind: *kind });
        Self { prefix, fields: SYSTEM.iter().cloned().chain(own).collect(), ..Self::default() }
    }

    /// A field that may be seen.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        let found = self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        found.filter(|field| !self.hidden.contains(field.name))
    }
}

/// An organisation.
#[derive(Clone, Debug)]
pub struct Org {
    /// Its id, of 18 characters.
    pub id: String,
    /// By name.
    pub objects: BTreeMap<String, Object>,
}

/// The id of the `number`-th record of a kind.
#[must_use]
pub fn id(prefix: &str, number: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut short = String::new();
    let mut rest = number;
    for _ in 0..7 {
        let digit = usize::try_from(rest.checked_rem(62).unwrap_or(0)).unwrap_or(0);
        short.insert(0, DIGITS.get(digit).copied().map_or('0', char::from));
        rest = rest.checked_div(62).unwrap_or(0);
    }
    let short = format!("{prefix}xx000{short}");
    Id::parse(&short).map_or(short, |id| id.as_str().to_owned())
}

impl Org {
    /// An organisation without objects.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self { id: id("00D", number), objects: BTreeMap::new() }
    }

    /// With `Account`, a custom deployment object, and the objects of every preset.
    #[must_use]
    pub fn with_deployments(mut self) -> Self {
        use Kind::{Day, Lookup, Moment, Number, Text};
        let account = Object::new(
            "001",
            &[
                ("Name", Text),
                ("Type", Text),
                ("Tier__c", Text),
                ("CurrencyIsoCode", Text),
                ("Billing_Zone__c", Text),
                ("ParentId", Lookup("Parent", "Account")),
                ("MasterRecordId", Lookup("MasterRecord", "Account")),
                ("Bill_To_Account__c", Lookup("Bill_To_Account__r", "Account")),
                ("BillingStreet", Text),
                ("BillingPostalCode", Text),
                ("BillingCity", Text),
                ("BillingState", Text),
                ("BillingCountry", Text),
                ("ShippingStreet", Text),
                ("ShippingCity", Text),
                ("VAT_ID__c", Text),
                ("Tax_Jurisdiction__c", Text),
                ("Exemption_Certificate__c", Text),
                ("Exemption_Reason__c", Text),
                ("AnnualRevenue", Number),
            ],
        );
        let deployment = Object::new(
            "a0B",
            &[
                ("Name", Text),
                ("Deployment_Key__c", Text),
                ("License_Key__c", Text),
                ("Cluster_Id__c", Text),
                ("Account__c", Lookup("Account__r", "Account")),
                ("Effective_From__c", Moment),
                ("Effective_To__c", Moment),
                ("Status__c", Text),
                ("Environment__c", Text),
            ],
        );
        let asset = Object::new(
            "02i",
            &[
                ("Name", Text),
                ("SerialNumber", Text),
                ("AccountId", Lookup("Account", "Account")),
                ("InstallDate", Day),
                ("UsageEndDate", Day),
            ],
        );
        let contract = Object::new(
            "800",
            &[
                ("AccountId", Lookup("Account", "Account")),
                ("Plan__c", Text),
                ("StartDate", Day),
                ("EndDate", Day),
                ("Status", Text),
                ("Storage_Price__c", Number),
                ("Seats__c", Number),
                ("Platform_Fee__c", Number),
            ],
        );
        let order = Object::new(
            "801",
            &[
                ("AccountId", Lookup("Account", "Account")),
                ("Plan__c", Text),
                ("EffectiveDate", Day),
                ("EndDate", Day),
                ("Status", Text),
            ],
        );
        let subscription = Object::new(
            "a1S",
            &[
                ("SBQQ__Account__c", Lookup("SBQQ__Account__r", "Account")),
                ("SBQQ__Product__c", Lookup("SBQQ__Product__r", "Product2")),
                ("SBQQ__StartDate__c", Day),
                ("SBQQ__EndDate__c", Day),
                ("SBQQ__TerminatedDate__c", Day),
                ("SBQQ__Quantity__c", Number),
            ],
        );
        let product = Object::new("01t", &[("Name", Text), ("ProductCode", Text)]);
        let named = [
            ("Account", account),
            ("Deployment__c", deployment),
            ("Asset", asset),
            ("Contract", contract),
            ("Order", order),
            ("Product2", product),
            ("SBQQ__Subscription__c", subscription),
        ];
        self.objects.extend(named.map(|(name, object)| (name.to_owned(), object)));
        self
    }

    /// An object of the organisation.
    pub fn object(&mut self, name: &str) -> &mut Object {
        self.objects.entry(name.to_owned()).or_default()
    }

    /// Writes some values of a record, which is created if there is none; it is changed at `at`.
    pub fn put(&mut self, object: &str, number: u64, at: Instant, values: &[(&str, &str)]) -> String {
        let object = self.object(object);
        let id = id(object.prefix, number);
        let record = object.records.entry(id.clone()).or_insert_with(|| {
            let system = [("Id", id.clone()), ("IsDeleted", "false".to_owned()), ("CreatedDate", at.0.to_string())];
            system.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
        });
        record.insert("SystemModstamp".to_owned(), at.0.to_string());
        for (name, value) in values {
            if value.is_empty() {
                record.remove(*name);
            } else {
                record.insert((*name).to_owned(), (*value).to_owned());
            }
        }
        id
    }

    /// Moves a record to the recycle bin.
    pub fn delete(&mut self, object: &str, number: u64, at: Instant) {
        self.put(object, number, at, &[("IsDeleted", "true")]);
    }

    /// Removes a record for good: no trace is left.
    pub fn purge(&mut self, object: &str, number: u64) {
        let object = self.object(object);
        let id = id(object.prefix, number);
        object.records.remove(&id);
    }

    /// Merges an account into another; what belongs to it is moved along, as Salesforce does.
    pub fn merge(&mut self, loser: u64, winner: u64, at: Instant) {
        let (from, to) = (id("001", loser), id("001", winner));
        self.put("Account", loser, at, &[("IsDeleted", "true"), ("MasterRecordId", &to)]);
        for object in self.objects.values_mut() {
            let lookups: Vec<&str> = object
                .fields
                .iter()
                .filter(|field| matches!(field.kind, Kind::Lookup(_, "Account")) && field.name != "MasterRecordId")
                .map(|field| field.name)
                .collect();
            for record in object.records.values_mut() {
                for name in &lookups {
                    if record.get(*name) == Some(&from) {
                        record.insert((*name).to_owned(), to.clone());
                        record.insert("SystemModstamp".to_owned(), at.0.to_string());
                    }
                }
            }
        }
    }
}

/// A time as REST (`+0000`) or Bulk (`Z`) writes it.
pub(crate) fn moment(ms: &str, zone: &str) -> String {
    let at = ms.parse().ok().and_then(|ms| Instant(ms).to_utc());
    let text = at.map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
    format!("{}{zone}", text.trim_end_matches('Z'))
}
