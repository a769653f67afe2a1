//! Turns: a bound on how many clusters of a run are formed at the same time.

use std::fs::{self, File};
use std::io;

use super::run::{RunError, io_error};
use super::{Run, lock};

impl Run {
    /// Waits for one of `turns` places, handed out in order of arrival; it is given back when the file is dropped or
    /// the process ends.
    ///
    /// # Errors
    /// When the run's folder cannot be used.
    pub async fn turn(&self, turns: usize) -> Result<File, RunError> {
        let place = {
            let path = self.dir().join("turn.lock");
            let _alone = lock::exclusive(&path).await.map_err(io_error("lock", &path))?;
            let count = self.dir().join("turn.count");
            let arrived: usize = match fs::read_to_string(&count) {
                Ok(text) => text.trim().parse().unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                Err(error) => return Err(io_error("read", &count)(error)),
            };
            fs::write(&count, (arrived + 1).to_string()).map_err(io_error("write", &count))?;
            arrived % turns.max(1)
        };
        let path = self.dir().join(format!("turn.{place}"));
        lock::exclusive(&path).await.map_err(io_error("lock", &path))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Config, Layer};

    #[tokio::test]
    async fn no_more_than_the_bound_are_in_at_once() {
        let out = tempfile::tempdir().expect("a folder");
        let flags = Layer { out_dir: Some(out.path().to_owned()), ..Layer::default() };
        let run = Run::start(&Config::resolve(flags).expect("a workspace")).await.expect("a run");
        let first = run.turn(2).await.expect("a turn");
        let _second = run.turn(2).await.expect("a turn");
        let third = tokio::time::timeout(Duration::from_millis(100), run.turn(2)).await;
        assert!(third.is_err(), "a third must wait");
        drop(first);
        // The third arrival of before still waits for the first place; the fourth gets the second's turn after it.
        let next = tokio::time::timeout(Duration::from_millis(100), run.turn(2)).await;
        assert!(next.is_err(), "the second place is still taken");
    }
}
