//! The module that a page loads.

/// Wakes the islands of a page that the server rendered. Leptos calls it by this name.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    latchkey::hydrate();
}
