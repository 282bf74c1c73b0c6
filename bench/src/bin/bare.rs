//! The limits: `bare lines|zlib-rs|zstd FILE` reads or decompresses, and looks for line ends.

use std::io::Read;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let file = std::fs::File::open(&arguments[2]).unwrap();
    let mut input: Box<dyn Read> = match arguments[1].as_str() {
        "zlib-rs" => Box::new(flate2::read::MultiGzDecoder::new(file)),
        "zstd" => Box::new(zstd::stream::read::Decoder::new(file).unwrap()),
        _ => Box::new(file),
    };
    let count_lines = arguments[1] == "lines";
    let (mut bytes, mut lines) = (0, 0);
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = input.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        bytes += read;
        if count_lines {
            lines += memchr::memchr_iter(b'\n', &buffer[..read]).count();
        }
    }
    eprintln!("{bytes} bytes, {lines} lines");
}
