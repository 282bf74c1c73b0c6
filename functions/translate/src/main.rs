//! `translate`: hears of a usage file and stores what it contributes, once.

mod handler;

use lambda::Function;
use lambda_runtime::Error;

// Parts of a large object arrive on the second while the first is busy with those before.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Error> {
    lambda::serve(Function::Translate, handler::handle).await
}
