//! A function's own binary, spoken to as Lambda does: over the Runtime API.

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
        let builder = Simulator::builder().function_name(function.name()).region("us-east-1");
        let simulator = builder.invocation_timeout(PATIENCE).build().await.unwrap();
        let mut config = ProcessConfig::new(binary(function), ProcessRole::Runtime).inherit_stdio(false);
        for (name, value) in world.environment() {
            config = config.env(name, value);
        }
        let process = simulator.spawn_process_with_config(config).unwrap();
        Self { simulator, _process: process }
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
