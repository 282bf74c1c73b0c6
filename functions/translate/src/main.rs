//! `translate`: hears of a usage file and stores what it contributes, once.

mod handler;

use lambda::Function;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda::serve(Function::Translate, handler::handle).await
}
