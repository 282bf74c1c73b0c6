//! `aggregate`: derives totals from tallies, and finds the files that nobody announced.

mod handler;

use lambda::Function;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda::serve(Function::Aggregate, handler::handle).await
}
