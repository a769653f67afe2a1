//! Imports go one way: as the table of ARCHITECTURE.md has it, which is read there, and within a room in no circle.

mod modules;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use modules::{Crate, Name};

/// Circles within a room that there may be, as the modules that are in them, and why.
const CIRCLES: &[(&[&str], &str)] = &[(
    &[
        "testkit::lxd::client",
        "testkit::lxd::envelope",
        "testkit::lxd::operation",
        "testkit::lxd::server",
        "testkit::lxd::transport",
    ],
    "what answers a call may be an operation, and one is waited for by further calls",
)];

/// What a room that does no I/O names nothing of.
const IO: &[&[&str]] = &[
    &["tokio"],
    &["reqwest"],
    &["duct"],
    &["rustix"],
    &["std", "env"],
    &["std", "fs"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time"],
];

/// A room, as the table of ARCHITECTURE.md has it.
#[derive(Debug, Default, PartialEq)]
struct Room {
    imports: BTreeSet<String>,
    /// Whether it does no I/O.
    pure: bool,
}

/// What each leads to.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(member: &str) -> Crate {
    Crate::read(&root().join(member).join("src"))
}

/// The rooms of the table by name.
fn table(text: &str) -> BTreeMap<String, Room> {
    let (_, section) = text.split_once("## Imports go one way").expect("the section of imports");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, imports, io] = cells[..] else { panic!("a room, its imports and its I/O, not {line}") };
        // Every second piece is between two marks of code.
        let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let room = Room { imports: names(imports), pure: io == "none" };
        (name.trim_matches('`').to_owned(), room)
    });
    rows.collect()
}

fn architecture() -> BTreeMap<String, Room> {
    let rooms = table(&fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md"));
    assert!(rooms.len() > 15, "{rooms:?}");
    rooms
}

/// What each room imports of others, with the files that do. The rooms of the library are the modules of its root; the
/// other members of the workspace are a room each.
fn seen() -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let mut seen: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    let library = sources("testkit");
    for (name, imports) in library.imports() {
        let Some(room) = name.first() else { continue };
        let of = seen.entry(room.clone()).or_default();
        for import in imports.into_iter().filter_map(|import| import.first()).filter(|import| *import != room) {
            of.entry(import.clone()).or_default().insert(library.file(name));
        }
    }
    for member in ["suites", "lab"] {
        let of = seen.entry(member.to_owned()).or_default();
        let all = sources(member);
        for (name, module) in &all.modules {
            for path in &module.named {
                // One that a module of the member itself is named like.
                let own = all.find(name, path).is_some();
                let import = match path.first().map(String::as_str) {
                    _ if own || path.len() < 2 => None,
                    Some("testkit") => path.get(1),
                    Some("suites") if member != "suites" => path.first(),
                    _ => None,
                };
                if let Some(import) = import {
                    of.entry(import.clone()).or_default().insert(format!("{member}: {}", all.file(name)));
                }
            }
        }
    }
    seen
}

#[test]
fn imports_are_those_of_the_table() {
    let (rooms, seen) = (architecture(), seen());
    let mut wrong = Vec::new();
    for (room, imports) in &seen {
        let Some(may) = rooms.get(room) else {
            wrong.push(format!("the room {room} is not in the table"));
            continue;
        };
        for (import, files) in imports.iter().filter(|(import, _)| !may.imports.contains(*import)) {
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            wrong.push(format!("{room} imports {import}: {}", files.join(", ")));
        }
        let unused = may.imports.iter().filter(|import| !imports.contains_key(*import));
        wrong.extend(unused.map(|import| format!("{room} imports nothing of {import} any more")));
    }
    let gone = rooms.keys().filter(|room| !seen.contains_key(*room));
    wrong.extend(gone.map(|room| format!("there is no room {room} any more")));
    assert!(wrong.is_empty(), "not as the table of ARCHITECTURE.md has it:\n{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_circle() {
    let rooms = architecture();
    let graph = rooms.into_iter().map(|(name, room)| (name, room.imports)).collect();
    assert_eq!(circles(&graph), Vec::<Vec<String>>::new());
}

#[test]
fn modules_of_a_room_import_each_other_in_no_circle() {
    let mut found: Vec<Vec<String>> = Vec::new();
    for member in ["testkit", "suites", "lab"] {
        let all = sources(member);
        let mut graph: BTreeMap<&Name, BTreeSet<&Name>> = all.imports();
        for (name, imports) in &mut graph {
            // A module and what it is made of are one: its parts use what it has itself.
            imports.retain(|import| !name.starts_with(import));
        }
        let shown = |name: &Name| format!("{member}::{}", name.join("::"));
        let shown = |(name, imports): (&Name, BTreeSet<&Name>)| (shown(name), imports.into_iter().map(shown).collect());
        found.extend(circles(&graph.into_iter().map(shown).collect()));
    }
    let allowed: Vec<Vec<String>> =
        CIRCLES.iter().map(|(modules, _)| modules.iter().map(|module| (*module).to_owned()).collect()).collect();
    let shown = |circles: &[Vec<String>]| circles.iter().map(|circle| circle.join(", ")).collect::<Vec<_>>().join("\n");
    let wrong: Vec<_> = found.iter().filter(|circle| !allowed.contains(circle)).cloned().collect();
    assert!(wrong.is_empty(), "these import each other in a circle:\n{}", shown(&wrong));
    let gone: Vec<_> = allowed.iter().filter(|circle| !found.contains(circle)).cloned().collect();
    assert!(gone.is_empty(), "these do so no more, and need not be allowed to:\n{}", shown(&gone));
}

/// The groups of those that come back to themselves through each other.
fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = graph.keys().map(|name| (&**name, reached(graph, name))).collect();
    let back = |from: &str, to: &str| reached.get(from).is_some_and(|reached| reached.contains(to));
    let circle = |name: &&str| -> Vec<String> {
        reached[name].iter().filter(|other| back(other, name)).map(|other| (*other).to_owned()).collect()
    };
    let all: BTreeSet<Vec<String>> = reached.keys().map(circle).filter(|circle| !circle.is_empty()).collect();
    all.into_iter().collect()
}

/// All that one leads to.
fn reached<'a>(graph: &'a Graph, start: &str) -> BTreeSet<&'a str> {
    let (mut seen, mut ahead) = (BTreeSet::new(), vec![start]);
    while let Some(name) = ahead.pop() {
        let next = graph.get(name).into_iter().flatten().map(String::as_str);
        ahead.extend(next.filter(|next| seen.insert(*next)).collect::<Vec<_>>());
    }
    seen
}

#[test]
fn rooms_without_io_do_none() {
    let rooms = architecture();
    let library = sources("testkit");
    let mut looked = 0;
    let mut wrong = Vec::new();
    for (name, module) in &library.modules {
        if !name.first().and_then(|room| rooms.get(room)).is_some_and(|room| room.pure) {
            continue;
        }
        looked += 1;
        let io = module
            .named
            .iter()
            .filter(|path| IO.iter().any(|io| path.iter().map(String::as_str).take(io.len()).eq(io.iter().copied())));
        wrong.extend(io.map(|path| format!("{} names {}", library.file(name), path.join("::"))));
    }
    assert!(looked > 30, "only {looked} modules are said to do no I/O");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let library = sources("testkit");
    let reads = |path: &Name| {
        path.windows(2).any(|pair| pair[0] == "env" && ["var", "vars", "var_os", "vars_os"].contains(&pair[1].as_str()))
    };
    let readers: Vec<String> = library
        .modules
        .iter()
        .filter(|(_, module)| module.named.iter().any(reads))
        .map(|(name, _)| library.file(name))
        .collect();
    assert_eq!(readers, ["config.rs"]);
}

/// What the modules of a crate of these sources import of each other, as `from > to`.
fn imports(files: &[(&str, &str)]) -> Vec<String> {
    let mut all = Crate::default();
    files.iter().for_each(|(file, text)| all.add(Path::new(file), text));
    let shown = |name: &Name| name.join("::");
    let imports = all.imports().into_iter();
    imports.flat_map(|(from, to)| to.into_iter().map(move |to| format!("{} > {}", shown(from), shown(to)))).collect()
}

#[test]
fn every_way_to_name_a_module_is_seen() {
    let others = [("lib.rs", ""), ("b.rs", ""), ("a/c.rs", ""), ("a/d.rs", "pub fn x() {}")];
    for text in [
        "use crate::b::X;",
        "use crate::{b::{self as other}, nothing};",
        "fn f() { let _ = crate::b::X; }",
        "fn f() { g(crate::b::x()) }",
        "fn f(x: Vec<crate::b::X>) {}",
        "fn f() { println!(\"{}\", crate::b::X) }",
        "fn f() { use crate::b::X; }",
        "pub(crate) fn f() -> super::super::b::X {}",
        "mod inner { use super::super::super::b::X; }",
        "use super::Passed;",
        "#[cfg(test)] use crate::b::X;",
        "#[cfg(test)] mod tests { } fn f() { crate::b::X }",
        "#[cfg(test)] mod helpers { use crate::b::X; }",
    ] {
        let module = ("a/mod.rs", "pub use crate::b::Passed;\npub use d::*;");
        let seen = imports(&[&others[..], &[module, ("a/e.rs", text)]].concat());
        assert!(seen.iter().any(|import| import.starts_with("a::e") && import.ends_with("> b")), "{text}: {seen:?}");
    }
    let seen = imports(
        &[&others[..], &[("a/mod.rs", "mod c;\npub use d::*;\nfn f() { c::g() }"), ("a/c.rs", "use super::x;")]]
            .concat(),
    );
    assert_eq!(seen, ["a > a::c", "a::c > a::d"]);
}

#[test]
fn what_is_no_import_is_not_taken_for_one() {
    for text in [
        "// crate::b",
        "/// [`crate::b`]\nfn f() {}",
        "fn f() { let _ = \"crate::b\"; }",
        "pub(in crate::b) fn f() {}",
        "#[cfg(test)] mod tests { use crate::b; }",
        "#[cfg(test)]\nmod tests {\n    mod more { use crate::b; }\n}",
        "use b::X;",
    ] {
        assert_eq!(imports(&[("lib.rs", ""), ("b.rs", ""), ("a.rs", text)]), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn circles_are_found_whatever_their_length() {
    let graph = |edges: &[(&str, &str)]| {
        let to = |from: &str| edges.iter().filter(|edge| edge.0 == from).map(|edge| edge.1.to_owned()).collect();
        let graph: Graph = edges.iter().map(|edge| (edge.0.to_owned(), to(edge.0))).collect();
        circles(&graph).iter().map(|circle| circle.concat()).collect::<Vec<_>>()
    };
    assert_eq!(graph(&[("a", "b"), ("b", "c"), ("a", "c"), ("d", "a")]), Vec::<String>::new());
    assert_eq!(graph(&[("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")]), ["ab", "cd"]);
    assert_eq!(graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]), ["abc"]);
}

#[test]
fn the_table_is_read_as_it_is_written() {
    let text = "## Imports go one way\n\n| room | imports | I/O |\n|---|---|---|\n| `a` | `b`, `c` | none |\n| `b` | nothing | files |\n\n## Words\n\n| `x` | `y` | z |\n";
    let room = |imports: &[&str], pure| Room { imports: imports.iter().map(|name| (*name).to_owned()).collect(), pure };
    let wanted = [("a".to_owned(), room(&["b", "c"], true)), ("b".to_owned(), room(&[], false))];
    assert_eq!(table(text), wanted.into());
}
