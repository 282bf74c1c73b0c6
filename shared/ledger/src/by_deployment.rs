//! Usage by deployment: what one account is priced from, without holding that of all others.
//!
//! A rollup says what the files of an hour add up to for all deployments; a price wants one account's over months. What is
//! read of rollups is held in memory up to [`HELD_CELLS`] cells. What is more is put aside into the work bucket, sorted
//! by deployment, and read again piece by piece for the deployments that are asked for: memory grows with the usage of
//! one account and with the number of deployments, never with the files or the cells of a month.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use metering::tally::{Cells, Quarters, SeriesKey, TallyError};
use metering::time::{Quarter, Span};

use crate::error::LedgerError;
use crate::names;
use crate::ports::{Bucket, ObjectMeta, Ports, Read};

/// Cells that are held in memory, of some two hundred bytes each.
pub const HELD_CELLS: usize = 200_000;

/// An object of what is put aside has about so many bytes.
const OBJECT_BYTES: usize = 8 << 20;

/// Where a deployment's usage lies, and of when it is.
#[derive(Clone, Debug)]
struct Place {
    object: Arc<ObjectMeta>,
    offset: u64,
    length: u64,
    extent: (Quarter, Quarter),
}

/// Some usage, to be asked for by deployment.
#[derive(Debug)]
pub struct ByDeployment {
    held: Cells,
    /// At most so many cells are held now.
    count: usize,
    most: usize,
    /// What was put aside, each time a place for each deployment.
    aside: Vec<BTreeMap<Arc<str>, Place>>,
}

impl Default for ByDeployment {
    fn default() -> Self {
        Self::holding(HELD_CELLS)
    }
}

impl ByDeployment {
    /// Holds at most so many cells in memory while more are added.
    #[must_use]
    pub fn holding(most: usize) -> Self {
        Self { held: Cells::default(), count: 0, most, aside: Vec::new() }
    }

    /// Takes usage in, in any order.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn add<P: Ports>(&mut self, ports: &P, cells: &Cells) -> Result<(), LedgerError> {
        self.held.merge(cells).map_err(TallyError::from)?;
        self.count = self.count.saturating_add(cells.len());
        if self.count > self.most {
            self.count = self.held.len();
        }
        if self.count > self.most {
            self.put_aside(ports).await?;
        }
        Ok(())
    }

    async fn put_aside<P: Ports>(&mut self, ports: &P) -> Result<(), LedgerError> {
        let (mut places, mut writing) = (BTreeMap::new(), Writing::default());
        for cells in each_deployment(std::mem::take(&mut self.held)) {
            writing.push(&cells)?;
            if writing.bytes.len() >= OBJECT_BYTES {
                writing.put(ports, &mut places).await?;
            }
        }
        writing.put(ports, &mut places).await?;
        self.aside.push(places);
        self.count = 0;
        Ok(())
    }

    /// The usage of some deployments within a window.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn of<P: Ports>(
        &self,
        ports: &P,
        deployments: impl IntoIterator<Item = &str>,
        window: Span,
    ) -> Result<Cells, LedgerError> {
        let mut all = Cells::default();
        for deployment in deployments {
            for place in self.aside.iter().filter_map(|places| places.get(deployment)) {
                if overlaps(window, place.extent) {
                    let cells = read(ports, place).await?;
                    all.merge(&within(cells.0.iter(), window)).map_err(TallyError::from)?;
                }
            }
            all.merge(&within(series_of(&self.held, deployment), window)).map_err(TallyError::from)?;
        }
        Ok(all)
    }

    /// All usage within a window, in memory.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn all<P: Ports>(&self, ports: &P, window: Span) -> Result<Cells, LedgerError> {
        let deployments = self.deployments(window);
        self.of(ports, deployments, window).await
    }

    /// The deployments that may have usage within a window, in order.
    pub fn deployments(&self, window: Span) -> BTreeSet<&str> {
        let aside = self.aside.iter().flatten().filter(|(_, place)| overlaps(window, place.extent));
        let held = self.held.0.keys().map(|key| key.deployment.as_str());
        aside.map(|(deployment, _)| &**deployment).chain(held).collect()
    }
}

/// An object of what is put aside while it is written.
#[derive(Default)]
struct Writing {
    bytes: Vec<u8>,
    parts: Vec<Part>,
}

/// A deployment's part of an object.
struct Part {
    deployment: Arc<str>,
    offset: usize,
    length: usize,
    extent: (Quarter, Quarter),
}

impl Writing {
    fn push(&mut self, cells: &Cells) -> Result<(), LedgerError> {
        let (Some(key), Some(extent)) = (cells.0.keys().next(), cells.extent()) else { return Ok(()) };
        let offset = self.bytes.len();
        serde_json::to_writer(&mut self.bytes, cells).map_err(|error| LedgerError::malformed("cells", error))?;
        let length = self.bytes.len().saturating_sub(offset);
        self.parts.push(Part { deployment: key.deployment.as_str().into(), offset, length, extent });
        Ok(())
    }

    async fn put<P: Ports>(&mut self, ports: &P, places: &mut BTreeMap<Arc<str>, Place>) -> Result<(), LedgerError> {
        let Self { bytes, parts } = std::mem::take(self);
        if bytes.is_empty() {
            return Ok(());
        }
        let key = format!("cells/{}.json", names::sha256(&bytes));
        ports.put_once(Bucket::Work, &key, bytes, "application/json").await?;
        let object = Arc::new(ports.head(Bucket::Work, &key).await?.ok_or(LedgerError::Missing(key))?);
        for Part { deployment, offset, length, extent } in parts {
            let (offset, length) = (u64::try_from(offset).unwrap_or(u64::MAX), u64::try_from(length).unwrap_or(0));
            places.insert(deployment, Place { object: Arc::clone(&object), offset, length, extent });
        }
        Ok(())
    }
}

async fn read<P: Ports>(ports: &P, place: &Place) -> Result<Cells, LedgerError> {
    let ObjectMeta { key, etag, .. } = &*place.object;
    match ports.read(Bucket::Work, key, etag, place.offset, place.length).await? {
        Read::Bytes(bytes) => serde_json::from_slice(&bytes).map_err(|error| LedgerError::malformed("cells", error)),
        Read::Changed => Err(LedgerError::Missing(key.clone())),
    }
}

/// Cells deployment by deployment.
fn each_deployment(cells: Cells) -> impl Iterator<Item = Cells> {
    let mut series = cells.0.into_iter().peekable();
    std::iter::from_fn(move || {
        let (first, quarters) = series.next()?;
        let deployment = first.deployment.clone();
        let mut own = Cells::default();
        own.0.insert(first, quarters);
        while let Some((key, quarters)) = series.next_if(|(key, _)| key.deployment == deployment) {
            own.0.insert(key, quarters);
        }
        Some(own)
    })
}

fn series_of<'a>(cells: &'a Cells, deployment: &str) -> impl Iterator<Item = (&'a SeriesKey, &'a Quarters)> {
    let first = SeriesKey { deployment: deployment.to_owned(), ..SeriesKey::default() };
    let deployment = first.deployment.clone();
    cells.0.range(first..).take_while(move |(key, _)| key.deployment == deployment)
}

/// The cells of a window.
pub(crate) fn within<'a>(series: impl Iterator<Item = (&'a SeriesKey, &'a Quarters)>, window: Span) -> Cells {
    let inside = |quarters: &Quarters| -> Quarters {
        let inside = quarters.iter().filter(|(quarter, _)| overlaps(window, (**quarter, **quarter)));
        inside.map(|(quarter, state)| (*quarter, state.clone())).collect()
    };
    let series = series.map(|(key, quarters)| (key.clone(), inside(quarters)));
    Cells(series.filter(|(_, quarters)| !quarters.is_empty()).collect())
}

/// Whether any of these quarter-hours begins within a window.
pub(crate) fn overlaps(window: Span, (from, to): (Quarter, Quarter)) -> bool {
    from.start() < window.until && to.start() >= window.from
}
