//! When a failure is put down to a storage pool that is full.

#[path = "fake_lxd/mod.rs"]
#[expect(dead_code, reason = "a part of the fake is used")]
mod fake_lxd;

use std::io::Error;

use fake_lxd::{FakeLxd, refusal, sync};
use rstest::rstest;
use testkit::image::found_full;

const NO_SPACE: &str = "Write on output file failed because No space left on device";
const MIB: u64 = 1 << 20;

#[rstest]
#[case::words(NO_SPACE, 10_000, 9_900, true)]
#[case::quota("Disk quota exceeded (os error 122)", 10_000, 9_900, true)]
#[case::next_to_nothing_free("it was killed", 10_000, 9_990, true)]
#[case::another_failure("it was killed", 10_000, 9_900, false)]
// The space that is wanting is then somewhere else: where LXD unpacks, or in a tmpfs of the instance.
#[case::words_of_another_place(NO_SPACE, 10_000, 5_000, false)]
#[tokio::test]
async fn a_pool_is_full_by_what_was_said_and_what_is_free(
    #[case] said: &'static str,
    #[case] total: u64,
    #[case] used: u64,
    #[case] expected: bool,
) {
    let (total, used) = (total * MIB, used * MIB);
    let lxd = FakeLxd::serve(move |line, _| match line {
        "GET /1.0/storage-pools/p/resources" => sync(&format!(r#"{{"space":{{"used":{used},"total":{total}}}}}"#)),
        other => refusal(404, other),
    });
    // The words are in a cause, as those of LXD mostly are.
    let error = testkit::image::Error::Lxd { attempt: "create a".into(), source: Box::new(Error::other(said)) };
    let full = found_full(&lxd.client().await, "p", None, &error).await;
    assert_eq!(full.is_some(), expected);
    if let Some(full) = full {
        let full = full.because(error);
        assert!(full.is_usage() && full.to_string().starts_with("storage pool \"p\" has too little room: "), "{full}");
        let cause = std::error::Error::source(&full).expect("what failed").to_string();
        assert_eq!(cause, "failed to create a");
    }
}
