//! Standard input as zstd, level 3.

fn main() -> std::io::Result<()> {
    zstd::stream::copy_encode(std::io::stdin().lock(), std::io::stdout().lock(), 3)
}
