//! What a function holds between invocations: its settings, its connections, the catalogue.

pub mod settings;
pub mod shelf;

use std::sync::Arc;

use ledger::configuration::Configuration;
use ledger::ports::{Key, Table, Tables};
use store::aws::Aws;

pub use settings::{Function, Settings, SettingsError};
pub use shelf::{CatalogueError, Shelf};

/// How long `translate`, which runs many times a second, trusts its last look at the catalogue.
const TRANSLATE_FRESH_MS: i64 = 30_000;

/// Why a function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment.
    #[error("{0}")]
    Settings(#[from] SettingsError),
    /// The operating system.
    #[error("{0}")]
    Randomness(#[from] store::NoRandomness),
}

/// Built once for each copy of a function; shared by its invocations.
pub struct Context {
    /// The adapters.
    pub ports: Aws,
    /// The bucket whose objects are usage.
    pub usage_bucket: String,
    /// Objects younger than this many minutes may still be under way to their tally.
    pub settle_minutes: i64,
    /// The secret with the credentials of Salesforce organisations; none where there are none.
    pub salesforce_secret: Option<String>,
    /// The secret with the credentials for writing back; none where nothing is.
    pub salesforce_write_secret: Option<String>,
    shelf: Shelf,
}

impl Context {
    /// Reads the environment and makes the clients. No call is made yet.
    ///
    /// # Errors
    ///
    /// [`StartError`], naming what to set.
    pub async fn build(function: Function) -> Result<Self, StartError> {
        let settings = Settings::from_environment(function)?;
        let fresh_ms = if function == Function::Translate { TRANSLATE_FRESH_MS } else { 0 };
        let usage_bucket = settings.aws.buckets.usage.clone();
        let ports = store::aws::connect(settings.aws).await?;
        let shelf = Shelf::new(settings.catalogue_prefix, fresh_ms);
        let Settings { settle_minutes, salesforce_secret, salesforce_write_secret, .. } = settings;
        Ok(Self { ports, usage_bucket, settle_minutes, salesforce_secret, salesforce_write_secret, shelf })
    }

    /// The catalogue as it is now.
    ///
    /// # Errors
    ///
    /// [`CatalogueError`].
    pub async fn configuration(&self) -> Result<Arc<Configuration>, CatalogueError> {
        self.shelf.configuration(&self.ports).await
    }

    /// Opens the connections and reads the catalogue before the first event, while initialisation
    /// lends a whole processor. What fails here fails again, and is reported, where it matters.
    pub async fn warm(&self, table: Table) {
        let nothing = Key::new("warm", "warm");
        let (item, configuration) = tokio::join!(self.ports.get(table, &nothing), self.configuration());
        if let Err(error) = item {
            tracing::warn!(%error, "the tables do not answer yet");
        }
        match configuration {
            Ok(configuration) => {
                for warning in &configuration.warnings {
                    tracing::warn!(problem = warning.line(), "the catalogue may not mean what it says");
                }
                for problem in &configuration.unlike {
                    let problem = problem.line();
                    tracing::error!(problem, "an example comes out otherwise: no invoice is issued until it is mended");
                }
                tracing::info!(catalogue = configuration.catalogue.hash, "ready");
            }
            Err(error) => tracing::warn!(%error, "there is no catalogue yet"),
        }
    }
}
