//! Reads what dpkg recorded in a bootstrapped tree: which packages there are, what they need, which files are theirs.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Error;
use super::tree::Tree;

/// The installed packages of a tree, as `/var/lib/dpkg/status` has them.
#[derive(Debug)]
pub(crate) struct Packages {
    packages: BTreeMap<String, Package>,
    /// Names that stand for others, and the packages that provide them.
    provided: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Default)]
struct Package {
    essential: bool,
    version: String,
    /// One entry a dependency; each is a list of alternatives.
    needs: Vec<Vec<String>>,
}

impl Packages {
    pub(crate) fn of_tree(tree: &Tree) -> Result<Self, Error> {
        let status = tree.find_file("var/lib/dpkg/status")?.ok_or_else(|| Error::Recipe {
            recipe: "bootstrap",
            problem: "the tree has no var/lib/dpkg/status".to_owned(),
        })?;
        Ok(Self::parse(&String::from_utf8_lossy(&status)))
    }

    fn parse(status: &str) -> Self {
        let mut packages = BTreeMap::new();
        let mut provided: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for paragraph in status.split("\n\n") {
            let field = |name: &str| {
                let value = |line: &str| line.strip_prefix(name)?.strip_prefix(':').map(|rest| rest.trim().to_owned());
                paragraph.lines().find_map(value)
            };
            let Some(name) = field("Package") else { continue };
            let mut needs = Vec::new();
            for list in ["Pre-Depends", "Depends"].into_iter().filter_map(field) {
                needs.extend(list.split(',').map(|need| need.split('|').map(bare_name).collect()));
            }
            for virtual_name in field("Provides").iter().flat_map(|list| list.split(',')).map(bare_name) {
                provided.entry(virtual_name).or_default().push(name.clone());
            }
            let essential = field("Essential").as_deref() == Some("yes");
            packages.insert(name, Package { essential, version: field("Version").unwrap_or_default(), needs });
        }
        Self { packages, provided }
    }

    pub(crate) fn essential(&self) -> impl Iterator<Item = &str> {
        self.packages.iter().filter(|(_, package)| package.essential).map(|(name, _)| name.as_str())
    }

    pub(crate) fn find_version(&self, name: &str) -> Option<&str> {
        self.packages.get(name).map(|package| package.version.as_str())
    }

    /// `roots` and all they need, but nothing that `cut` says yes to, nor what only such a package needs.
    pub(crate) fn closure<'a>(
        &'a self,
        roots: impl IntoIterator<Item = &'a str>,
        cut: impl Fn(&str) -> bool,
    ) -> BTreeSet<&'a str> {
        let mut closure = BTreeSet::new();
        let mut open: Vec<&str> = roots.into_iter().collect();
        while let Some(name) = open.pop() {
            let Some((name, package)) = self.packages.get_key_value(name) else {
                open.extend(self.provided.get(name).into_iter().flatten().map(String::as_str));
                continue;
            };
            if cut(name) || !closure.insert(name.as_str()) {
                continue;
            }
            // Of alternatives, those that are installed: the bootstrap has chosen.
            open.extend(package.needs.iter().flatten().map(String::as_str));
        }
        closure
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.packages.keys().map(String::as_str)
    }

    /// The files and links of a package in `tree`; folders are nobody's.
    pub(crate) fn files(&self, tree: &Tree, package: &str) -> Result<Vec<String>, Error> {
        let list = ["", ":amd64", ":arm64", ":armhf", ":ppc64el", ":riscv64", ":s390x"]
            .iter()
            .map(|arch| format!("var/lib/dpkg/info/{package}{arch}.list"))
            .find(|path| tree.contains(path));
        let Some(list) = list else {
            let problem = format!("package {package} is not in the tree");
            return Err(Error::Recipe { recipe: "bootstrap", problem });
        };
        let text = tree.find_file(&list)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        // A merged /usr makes `lib` and its like links of the tree's own, though packages list them as folders.
        let paths = text.lines().filter(|line| line.matches('/').count() > 1).map(|line| tree.resolve(line));
        Ok(paths.filter(|path| tree.is_file_or_link(path)).collect())
    }
}

/// `python3:any (>= 3.11)` as `python3`.
fn bare_name(text: &str) -> String {
    let name = text.split_whitespace().next().unwrap_or_default();
    name.split(':').next().unwrap_or_default().to_owned()
}

/// Whether a name matches a pattern that may end in `*`.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "\
Package: base-files
Essential: yes
Version: 12.4
Depends: awk

Package: mawk
Version: 1
Provides: awk
Depends: libc6 (>= 2.34)

Package: libc6
Version: 2.36

Package: switch
Version: 3.1.0-2+deb12u1
Pre-Depends: libc6
Depends: libunbound8 (>= 1.8) | libunbound2, python3:any (>= 3.9~), uuid-runtime

Package: libunbound8
Version: 1.17

Package: python3
Version: 3.11
Depends: libpython3

Package: libpython3
Version: 3.11
";

    #[test]
    fn a_closure_follows_alternatives_and_provided_names_and_stops_at_the_cut() {
        let packages = Packages::parse(STATUS);
        let base = packages.closure(packages.essential(), |_| false);
        assert_eq!(base.into_iter().collect::<Vec<_>>(), ["base-files", "libc6", "mawk"]);
        let app = packages.closure(["switch"], |name| matches("python*", name));
        assert_eq!(app.into_iter().collect::<Vec<_>>(), ["libc6", "libunbound8", "switch"]);
        assert_eq!(packages.find_version("switch"), Some("3.1.0-2+deb12u1"));
    }

    #[test]
    fn files_are_found_under_a_merged_usr() {
        let mut tree = Tree::default();
        tree.add_link("lib", "usr/lib");
        tree.add_file("usr/lib/x86_64-linux-gnu/libc.so.6", "", 0o755);
        tree.add_file("var/lib/dpkg/status", STATUS, 0o644);
        let list = "/.\n/lib\n/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu/libc.so.6\n/usr/share/doc/gone\n";
        tree.add_file("var/lib/dpkg/info/libc6:amd64.list", list, 0o644);
        let packages = Packages::of_tree(&tree).unwrap();
        assert_eq!(packages.files(&tree, "libc6").unwrap(), ["usr/lib/x86_64-linux-gnu/libc.so.6"]);
        let error = packages.files(&tree, "nothing").unwrap_err().to_string();
        assert_eq!(error, "failed to apply bootstrap: package nothing is not in the tree");
    }
}
