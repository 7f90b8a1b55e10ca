//! Cargo notices a new migration only if it is told to look.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
