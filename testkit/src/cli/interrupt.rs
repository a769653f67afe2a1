//! Commands in instances that are followed until somebody interrupts, and ended then: LXD 5.0 goes on with files that are another's
//! when the connection to a command is only dropped.

use tokio::sync::watch;

/// Whether what is followed is to end.
pub(super) struct Interrupt(watch::Sender<bool>);

impl Interrupt {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// From now on it is.
    pub(super) fn now(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn is_now(&self) -> bool {
        *self.0.borrow()
    }

    /// What `future` comes to; `None` when it is to end before.
    pub(super) async fn or<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut told = self.0.subscribe();
        tokio::select! {
            biased;
            _ = told.wait_for(|now| *now) => None,
            done = future => Some(done),
        }
    }

    /// What `following` comes to, which is told to end when somebody interrupts this process.
    pub(super) async fn during<T>(&self, following: impl Future<Output = T>) -> T {
        tokio::pin!(following);
        tokio::select! {
            done = &mut following => return done,
            _ = tokio::signal::ctrl_c() => self.now(),
        }
        following.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_followed_ends_when_it_is_told_to_and_what_comes_before_is_not_lost() {
        let interrupt = Interrupt::new();
        assert_eq!(interrupt.or(async { 1 }).await, Some(1));
        let (ended, ()) = tokio::join!(interrupt.or(std::future::pending::<()>()), async { interrupt.now() });
        assert!(ended.is_none() && interrupt.is_now());
    }
}
