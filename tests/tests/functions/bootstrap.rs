//! A function's own binary, spoken to as Lambda does: over the Runtime API.

use std::fs;
use std::time::Duration;

use lambda::Function;
use lambda_simulator::process::{ManagedProcess, ProcessConfig, ProcessRole};
use lambda_simulator::{InvocationStatus, Simulator};
use serde_json::Value;

use crate::world::{World, binary};

const PATIENCE: Duration = Duration::from_secs(120);

/// A copy of a function that waits for events.
pub struct Running {
    simulator: Simulator,
    _process: ManagedProcess,
    logs: tempfile::TempDir,
}

/// An invocation that failed, as Lambda is told.
#[derive(Debug)]
pub struct Failed {
    /// The stable name.
    pub kind: String,
    /// For a person.
    pub message: String,
}

impl Running {
    /// Starts the function's binary against `world`, in the region where `store::aws::provision` makes buckets.
    pub async fn start(world: &World, function: Function) -> Self {
        Self::start_with(world, function, &[]).await
    }

    /// The same with more in its environment.
    pub async fn start_with(world: &World, function: Function, more: &[(&str, &str)]) -> Self {
        let builder = Simulator::builder().function_name(function.name()).region("us-east-1");
        let simulator = builder.invocation_timeout(PATIENCE).build().await.unwrap();
        let logs = tempfile::tempdir().unwrap();
        // The shell gives its place to the function, so that what ends the one ends the other.
        let mut config = ProcessConfig::new("/bin/sh", ProcessRole::Runtime).inherit_stdio(false);
        for argument in ["-c", r#"exec "$0" >"$1" 2>&1"#] {
            config = config.arg(argument);
        }
        config = config.arg(binary(function).to_string_lossy()).arg(logs.path().join("log").to_string_lossy());
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        for (name, value) in world.environment().into_iter().chain(more) {
            config = config.env(name, value);
        }
        let process = simulator.spawn_process_with_config(config).unwrap();
        Self { simulator, _process: process, logs }
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.logs.path().join("log")).unwrap()
    }

    /// Delivers an event and waits for the answer.
    pub async fn invoke(&self, payload: &Value) -> Result<Value, Failed> {
        let request = self.simulator.enqueue_payload(payload.clone()).await;
        let state = self.simulator.wait_for_invocation_complete(&request, PATIENCE).await.unwrap();
        match state.status {
            InvocationStatus::Success => Ok(state.response.unwrap().payload),
            _ => {
                let error = state.error.unwrap();
                Err(Failed { kind: error.error_type, message: error.error_message })
            }
        }
    }

    /// Delivers an event twice: the second time it must change nothing and not fail either.
    /// Returns the first answer.
    pub async fn invoke_twice(&self, world: &World, payload: &Value) -> Value {
        let first = self.invoke(payload).await.unwrap();
        let state = world.state().await;
        self.invoke(payload).await.unwrap();
        assert_eq!(world.state().await, state, "the second delivery changed something: {payload}");
        first
    }
}
