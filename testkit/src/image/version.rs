//! Versions of snaps, which are texts.

/// The numbers that a version begins with, without zeros at the end: `2.57.6-1+deb12u1` is 2, 57, 6.
pub(super) fn numbers(version: &str) -> Vec<u64> {
    let end = version.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(version.len());
    let mut numbers: Vec<u64> = version[..end].split('.').map_while(|part| part.parse().ok()).collect();
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_the_numbers_that_they_begin_with() {
        for (older, newer) in [("24.03.2+snap9", "25.03.0-1+snap1"), ("9.1", "10"), ("2.57", "2.57.1")] {
            assert!(numbers(older) < numbers(newer), "{older} {newer}");
        }
        for same in ["25.3", "25.3.0", "25.3+snapffff", "25.3.0-1ubuntu2"] {
            assert_eq!(numbers(same), [25, 3], "{same}");
        }
    }
}
