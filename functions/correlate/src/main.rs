//! `correlate`: publishes who owned which deployment when, and puts customers to the counters.

mod back;
mod handler;
mod secrets;

use lambda::Function;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda::serve(Function::Correlate, handler::handle).await
}
