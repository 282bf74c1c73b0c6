//! `invoice`: closes a month and puts its invoices where customers find them.

mod handler;

use lambda::Function;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda::serve(Function::Invoice, handler::handle).await
}
