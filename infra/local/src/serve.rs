//! `farthing serve`: the folders as S3 on loopback, for a person to look inside.

use std::net::{Ipv4Addr, SocketAddr};

use store::embedded::serve::{CREDENTIAL, serve as serve_folders};
use store::embedded::{Places, open};

use crate::failure::Failure;
use crate::report::say;

/// Serves until the process is interrupted.
pub async fn serve(places: &Places, port: u16) -> Result<(), Failure> {
    let ports = open(places)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let served = serve_folders(ports.blobs, address).await;
    let served = served.map_err(|error| Failure::file(format!("port {port} of 127.0.0.1"), error))?;
    say(&format!("buckets usage, work and invoices at http://{}; end with Ctrl-C. Look inside with:", served.address));
    say(&format!(
        "  AWS_ACCESS_KEY_ID={CREDENTIAL} AWS_SECRET_ACCESS_KEY={CREDENTIAL} AWS_REGION=us-east-1 aws --endpoint-url http://{} s3 ls s3://invoices --recursive",
        served.address
    ));
    tokio::signal::ctrl_c().await.map_err(|error| Failure::file("the signal", error))
}
