//! Lets only one idle worker of a queue poll at a time.

use std::time::Duration;
use tokio::sync::{Mutex, Notify, watch};

/// The turn to poll a queue, which one worker has at a time.
#[derive(Debug)]
pub struct PollTurn {
    /// How often the queue is read when nothing wakes a worker: other processes add work, too.
    interval: Duration,
    turn: Mutex<()>,
}

impl PollTurn {
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self { interval, turn: Mutex::new(()) }
    }

    /// Waits until the worker is woken, has its turn to poll, or must stop. A worker that finds work wakes the next
    /// one, because there may be more.
    pub async fn wait(&self, wake: &Notify, stopped: &mut watch::Receiver<bool>) {
        let turn = async {
            let _turn = self.turn.lock().await;
            tokio::time::sleep(self.interval).await;
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
    async fn eight_idle_workers_poll_no_more_often_than_one() {
        let (poll_turn, wake) = (Arc::new(PollTurn::new(EVERY)), Arc::new(Notify::new()));
        let (stop, stopped) = watch::channel(false);
        let polls = Arc::new(AtomicU32::new(0));
        let worker = |number: u32| {
            let (poll_turn, wake, polls) = (Arc::clone(&poll_turn), Arc::clone(&wake), Arc::clone(&polls));
            let mut stopped = stopped.clone();
            tokio::spawn(async move {
                while !*stopped.borrow() {
                    poll_turn.wait(&wake, &mut stopped).await;
                    polls.fetch_add(1, Ordering::SeqCst);
                    if number == 0 {
                        drop(stopped.wait_for(|stopped| *stopped).await);
                    }
                }
            })
        };
        let began = Instant::now();
        let workers: Vec<_> = (0..8).map(worker).collect();
        while polls.load(Ordering::SeqCst) < 20 {
            tokio::time::sleep(EVERY).await;
        }
        let (polled, turns) = (polls.load(Ordering::SeqCst), began.elapsed().as_millis() / EVERY.as_millis());
        assert!(u128::from(polled) <= turns, "{polled} in {turns} turns");
        stop.send(true).unwrap();
        for worker in workers {
            worker.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_worker_that_is_woken_polls_at_once() {
        let (poll_turn, wake) = (PollTurn::new(Duration::from_hours(1)), Notify::new());
        let (_stop, mut stopped) = watch::channel(false);
        let soon = Duration::from_secs(5);
        wake.notify_one();
        tokio::time::timeout(soon, poll_turn.wait(&wake, &mut stopped)).await.unwrap();
        let _turn = poll_turn.turn.lock().await;
        wake.notify_one();
        tokio::time::timeout(soon, poll_turn.wait(&wake, &mut stopped)).await.unwrap();
    }
}
