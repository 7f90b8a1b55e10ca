//! Workers of one queue, of which one at a time looks whether there is work.

use std::time::Duration;
use tokio::sync::{Mutex, Notify, watch};

/// Idle workers of one queue.
#[derive(Debug)]
pub struct Lookout {
    /// How often the queue is read when nothing wakes a worker: other processes put work in, too.
    every: Duration,
    turn: Mutex<()>,
}

impl Lookout {
    #[must_use]
    pub fn new(every: Duration) -> Self {
        Self { every, turn: Mutex::new(()) }
    }

    /// Waits until a worker is to look: it was woken, it is its turn to look, or it is told to stop. One that finds work wakes
    /// the next one, since there may be more.
    pub async fn wait(&self, wake: &Notify, stopped: &mut watch::Receiver<bool>) {
        let turn = async {
            let _turn = self.turn.lock().await;
            tokio::time::sleep(self.every).await;
        };
        tokio::select! {
            () = wake.notified() => {}
            () = turn => {}
            _ = stopped.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Instant;

    const EVERY: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn eight_idle_workers_look_no_more_often_than_one_and_a_busy_one_is_replaced() {
        let (lookout, wake) = (Arc::new(Lookout::new(EVERY)), Arc::new(Notify::new()));
        let (stop, stopped) = watch::channel(false);
        let looks = Arc::new(AtomicU32::new(0));
        let worker = |number: u32| {
            let (lookout, wake, looks) = (Arc::clone(&lookout), Arc::clone(&wake), Arc::clone(&looks));
            let mut stopped = stopped.clone();
            tokio::spawn(async move {
                while !*stopped.borrow() {
                    lookout.wait(&wake, &mut stopped).await;
                    looks.fetch_add(1, Ordering::SeqCst);
                    if number == 0 {
                        drop(stopped.wait_for(|stopped| *stopped).await);
                    }
                }
            })
        };
        let began = Instant::now();
        let workers: Vec<_> = (0..8).map(worker).collect();
        while looks.load(Ordering::SeqCst) < 20 {
            tokio::time::sleep(EVERY).await;
        }
        let (looked, turns) = (looks.load(Ordering::SeqCst), began.elapsed().as_millis() / EVERY.as_millis());
        assert!(u128::from(looked) <= turns, "{looked} in {turns} turns");
        stop.send(true).unwrap();
        for worker in workers {
            worker.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_worker_that_is_woken_looks_at_once() {
        let (lookout, wake) = (Lookout::new(Duration::from_hours(1)), Notify::new());
        let (_stop, mut stopped) = watch::channel(false);
        wake.notify_one();
        lookout.wait(&wake, &mut stopped).await;
        let _turn = lookout.turn.lock().await;
        wake.notify_one();
        lookout.wait(&wake, &mut stopped).await;
    }
}
