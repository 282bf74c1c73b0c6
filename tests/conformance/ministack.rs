//! A second, independent DynamoDB and S3, in a process that the test starts and ends.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The server; ended when dropped.
pub struct Ministack {
    /// Where it listens.
    pub endpoint: String,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Ministack {
    /// Starts it on a free port and waits until it answers.
    pub fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/ministack");
        assert!(program.exists(), "{} is missing: `make tools` installs it", program.display());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (host, endpoint) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
        let folder = tempfile::tempdir().unwrap();
        let process = Command::new(program.canonicalize().unwrap())
            .current_dir(folder.path())
            .env("BIND_HOST", "127.0.0.1")
            .env("IOT_MTLS_ENABLED", "0")
            .env("GATEWAY_PORT", port.to_string())
            .env("MINISTACK_HOST", "127.0.0.1")
            .env("AWS_ENDPOINT_URL", &endpoint)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { endpoint, process, _folder: folder };
        server.wait(&host);
        server
    }

    fn wait(&self, host: &str) {
        for _ in 0..600 {
            if healthy(host).is_ok_and(|healthy| healthy) {
                return;
            }
            #[expect(clippy::disallowed_methods, reason = "nothing else happens while a server starts")]
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the server at {} did not answer within a minute", self.endpoint);
    }
}

fn healthy(host: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET /_ministack/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0; 15];
    stream.read_exact(&mut answer)?;
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}

impl Drop for Ministack {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}
