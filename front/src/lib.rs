//! The WebAssembly module that pages load.

/// Hydrates the islands of a server-rendered page. The script of the page calls it by this name.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    latchkey::hydrate();
}
