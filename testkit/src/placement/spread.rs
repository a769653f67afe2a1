//! Which host each node of a cell goes to, where they are to be on different ones.

/// The hosts of so many nodes of one cell, in their order: the first node is on `home`, where the cell has its turn, and the others
/// are on the hosts that follow it in the list. When every host has one, it goes on with `home`. Cells whose turns are on different
/// hosts then burden all of them alike, as long as turns do.
pub fn spread<'a>(hosts: &[&'a str], home: &'a str, nodes: usize) -> Vec<&'a str> {
    let at = hosts.iter().position(|host| *host == home);
    let behind = &hosts[at.map_or(0, |at| at + 1)..];
    let before = &hosts[..at.unwrap_or_default()];
    let around: Vec<&str> = std::iter::once(&home).chain(behind).chain(before).copied().collect();
    around.into_iter().cycle().take(nodes).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nodes_go_round_from_where_the_turn_is() {
        assert_eq!(spread(&["a", "b", "c"], "b", 3), ["b", "c", "a"]);
        assert_eq!(spread(&["a", "b", "c"], "c", 5), ["c", "a", "b", "c", "a"]);
        assert_eq!(spread(&["a", "b"], "b", 0), [] as [&str; 0]);
    }

    #[test]
    fn where_the_turn_is_has_the_first_node_even_if_it_is_missing_in_the_list() {
        assert_eq!(spread(&["a", "b"], "z", 4), ["z", "a", "b", "z"]);
        assert_eq!(spread(&[], "z", 2), ["z", "z"]);
    }

    proptest! {
        #[test]
        fn no_host_has_two_nodes_more_than_another(hosts in 1_usize..9, home in 0_usize..9, nodes in 0_usize..40) {
            let names: Vec<String> = (0..hosts).map(|number| format!("m{number}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let on = spread(&names, names[home % hosts], nodes);
            let counts: Vec<usize> = names.iter().map(|name| on.iter().filter(|it| it == &name).count()).collect();
            prop_assert_eq!(on.len(), nodes);
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{:?}", counts);
        }
    }
}
