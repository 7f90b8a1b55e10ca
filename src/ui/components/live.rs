use std::sync::Arc;

/// A value that a component reads again whenever it changes. A closure does that and reads any signals; the `Signal` of
/// Leptos is one thing for signals, memos and closures alike, and costs every visitor 3 KB (docs/BENCHMARKS.md).
pub struct Live<T>(Arc<dyn Fn() -> T + Send + Sync>);

impl<T> Live<T> {
    pub fn get(&self) -> T {
        (self.0)()
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T, F: Fn() -> T + Send + Sync + 'static> From<F> for Live<T> {
    fn from(read: F) -> Self {
        Self(Arc::new(read))
    }
}
