//! Linker script and constants, from `board.toml`.

fn main() {
    boards::firmware::build();
}
