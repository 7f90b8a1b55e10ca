use std::sync::Arc;

/// A reactive value: a closure that reads signals. Leptos's `Signal` also wraps signals and memos, which adds 3 KB to
/// every download (docs/BENCHMARKS.md).
pub struct DerivedSignal<T>(Arc<dyn Fn() -> T + Send + Sync>);

impl<T> DerivedSignal<T> {
    pub fn get(&self) -> T {
        (self.0)()
    }
}

impl<T> Clone for DerivedSignal<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T, F: Fn() -> T + Send + Sync + 'static> From<F> for DerivedSignal<T> {
    fn from(read: F) -> Self {
        Self(Arc::new(read))
    }
}
