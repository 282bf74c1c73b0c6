//! Mappings for the ways in which organisations keep deployments and subscriptions. Each is only a mapping written
//! out; a block that the catalogue writes takes the place of the preset's.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Deployments, Inactive, Subscriptions};

/// A way of keeping customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// A deployment is an `Asset`, found by its serial number.
    AccountAsset,
    /// A deployment is a record of `Deployment__c`, found by deployment key, licence key or cluster id.
    AccountDeployment,
    /// As `account-asset`, with subscriptions of Salesforce CPQ.
    CpqSubscriptions,
    /// As `account-asset`, with a subscription for each contract.
    Contract,
    /// As `account-asset`, with a subscription for each order.
    Order,
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

impl Preset {
    pub(crate) fn deployments(self) -> Deployments {
        match self {
            Self::AccountAsset | Self::CpqSubscriptions | Self::Contract | Self::Order => Deployments {
                object: "Asset".to_owned(),
                keys: vec!["SerialNumber".to_owned()],
                account: "AccountId".to_owned(),
                from: text("InstallDate"),
                until: text("UsageEndDate"),
                status: None,
                active: Vec::new(),
                inactive: Inactive::Bill,
                excluded: BTreeMap::new(),
            },
            Self::AccountDeployment => Deployments {
                object: "Deployment__c".to_owned(),
                keys: ["Deployment_Key__c", "License_Key__c", "Cluster_Id__c"].map(str::to_owned).to_vec(),
                account: "Account__c".to_owned(),
                from: text("Effective_From__c"),
                until: text("Effective_To__c"),
                status: text("Status__c"),
                active: vec!["Active".to_owned()],
                inactive: Inactive::Bill,
                excluded: BTreeMap::new(),
            },
        }
    }

    pub(crate) fn subscriptions(self) -> Option<Subscriptions> {
        let named = |object: &str, account: &str, plan: &str, from: &str, until: &str| Subscriptions {
            object: object.to_owned(),
            account: account.to_owned(),
            plan: plan.to_owned(),
            plans: BTreeMap::new(),
            from: from.to_owned(),
            until: text(until),
            terminated: None,
            status: None,
            active: Vec::new(),
            prices: BTreeMap::new(),
            set: BTreeMap::new(),
            quantities: BTreeMap::new(),
        };
        match self {
            Self::AccountAsset | Self::AccountDeployment => None,
            Self::CpqSubscriptions => Some(Subscriptions {
                terminated: text("SBQQ__TerminatedDate__c"),
                quantities: BTreeMap::from([("quantity".to_owned(), "SBQQ__Quantity__c".to_owned())]),
                ..named(
                    "SBQQ__Subscription__c",
                    "SBQQ__Account__c",
                    "SBQQ__Product__r.ProductCode",
                    "SBQQ__StartDate__c",
                    "SBQQ__EndDate__c",
                )
            }),
            Self::Contract => Some(Subscriptions {
                status: text("Status"),
                active: vec!["Activated".to_owned()],
                ..named("Contract", "AccountId", "Plan__c", "StartDate", "EndDate")
            }),
            Self::Order => Some(Subscriptions {
                status: text("Status"),
                active: vec!["Activated".to_owned()],
                ..named("Order", "AccountId", "Plan__c", "EffectiveDate", "EndDate")
            }),
        }
    }
}
