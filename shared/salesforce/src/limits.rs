//! How many calls the organisation has left today, as its answers say, and how many of them are ours to use.

/// `api-usage` of the header `Sforce-Limit-Info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Calls in the last 24 hours, by everybody.
    pub used: u64,
    /// Calls allowed in 24 hours.
    pub most: u64,
}

impl Usage {
    /// Reads the header by its parts: some versions add `api-bursts`, others `per-app-api-usage`.
    #[must_use]
    pub fn read(header: &str) -> Option<Self> {
        let part = header.split(';').find_map(|part| part.trim().strip_prefix("api-usage="))?;
        let (used, most) = part.split_once('/')?;
        Some(Self { used: used.parse().ok()?, most: most.parse().ok()? })
    }

    /// Whether nothing is left. It may be more than the limit: Salesforce tolerates short excesses.
    #[must_use]
    pub fn is_spent(self) -> bool {
        self.used >= self.most
    }
}

/// What a run may use: a share of the daily limit for itself, and none once everybody together has used more than
/// [`Budget::TOTAL_PERCENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// This run's share of the daily limit, in percent.
    pub percent: u64,
}

impl Budget {
    /// The rest is for the people of the organisation and their other programs.
    pub const TOTAL_PERCENT: u64 = 90;

    /// Whether one more call may be made after `own` calls of this run.
    #[must_use]
    pub fn allows(self, own: u64, seen: Option<Usage>) -> bool {
        let Some(Usage { used, most }) = seen else { return true };
        own.saturating_mul(100) < most.saturating_mul(self.percent)
            && used.saturating_mul(100) < most.saturating_mul(Self::TOTAL_PERCENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_by_its_parts() {
        for (header, usage) in [
            ("api-usage=25/5000", Some((25, 5000))),
            ("api-usage=10018/100000; api-bursts=1/750", Some((10_018, 100_000))),
            ("api-usage=25/5000; per-app-api-usage=17/250(appName=sample-connected-app)", Some((25, 5000))),
            ("per-app-api-usage=17/250(appName=x)", None),
            ("api-usage=many/5000", None),
            ("", None),
        ] {
            let expected = usage.map(|(used, most)| Usage { used, most });
            assert_eq!(Usage::read(header), expected, "{header}");
        }
    }

    #[test]
    fn a_run_stops_at_its_share_and_when_everybody_has_used_nearly_all() {
        let budget = Budget { percent: 20 };
        let seen = |used| Some(Usage { used, most: 1000 });
        assert!(budget.allows(199, seen(300)) && !budget.allows(200, seen(300)));
        assert!(budget.allows(0, seen(899)) && !budget.allows(0, seen(900)));
        assert!(budget.allows(5000, None), "nothing is known before the first answer");
    }
}
