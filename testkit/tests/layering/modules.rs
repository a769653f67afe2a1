//! The modules of a crate, and what each names of others, read from its sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// The path of a module from the root of its crate; empty for the root.
pub(crate) type Name = Vec<String>;

/// All modules of a crate but those of its tests.
#[derive(Default)]
pub(crate) struct Crate {
    pub(crate) modules: BTreeMap<Name, Module>,
}

/// One module.
#[derive(Default)]
pub(crate) struct Module {
    file: PathBuf,
    /// Paths that it names, as they are written: those of imports with every name that they bring.
    pub(crate) named: BTreeSet<Name>,
    /// What it passes on under a name of its own.
    passed_on: BTreeMap<String, Name>,
    /// Modules of which it passes on everything.
    passed_on_whole: Vec<Name>,
}

impl Crate {
    /// Reads the crate whose root is `src/lib.rs` or `src/main.rs`.
    pub(crate) fn read(src: &Path) -> Self {
        let mut all = Self::default();
        for file in sources(src) {
            let text = fs::read_to_string(&file).expect("a source file");
            all.add(file.strip_prefix(src).expect("below src"), &text);
        }
        all
    }

    /// Adds a source file. Its name is that below `src/`.
    pub(crate) fn add(&mut self, file: &Path, text: &str) {
        let mut name: Name = file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if name.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
            name.pop();
        }
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.fill(name, file, &parsed.items);
    }

    fn fill(&mut self, name: Name, file: &Path, items: &[Item]) {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        for item in items {
            match item {
                Item::Mod(inner) if is_tests(inner) => {}
                Item::Mod(inner) => {
                    if let Some((_, items)) = &inner.content {
                        self.fill([&name[..], &[inner.ident.to_string()]].concat(), file, items);
                    }
                }
                Item::Use(import) => module.import(&import.tree, &import.vis),
                item => module.visit_item(item),
            }
        }
        self.modules.insert(name, module);
    }

    /// The module that a path leads to from another, through what modules on the way pass on; `None` for one of another
    /// crate, or of what the module has itself.
    pub(crate) fn find(&self, from: &[String], path: &[String]) -> Option<&Name> {
        let (first, mut rest) = path.split_first()?;
        let mut at = from.to_vec();
        match first.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => drop(at.pop()?),
            child if self.modules.contains_key(&[from, &[child.to_owned()]].concat()) => at.push(child.to_owned()),
            _ => return None,
        }
        while let Some((step, further)) = rest.split_first() {
            if step == "super" {
                at.pop()?;
            } else if step != "self" {
                let child = [&at[..], std::slice::from_ref(step)].concat();
                match self.modules.contains_key(&child) {
                    true => at = child,
                    false => return self.item(&at, step),
                }
            }
            rest = further;
        }
        self.modules.get_key_value(&at).map(|(name, _)| name)
    }

    /// The module that an item of this name is of, which `at` has or passes on.
    fn item(&self, at: &[String], item: &str) -> Option<&Name> {
        let (name, module) = self.modules.get_key_value(at)?;
        let elsewhere = module.passed_on.get(item).and_then(|path| self.find(at, path));
        // What is passed on whole is not known by name; an item of this very module is not mistaken for it, because no
        // module here does both.
        let whole = || module.passed_on_whole.iter().find_map(|path| self.find(at, path));
        Some(elsewhere.or_else(whole).unwrap_or(name))
    }

    /// The source file of a module, below `src/`.
    pub(crate) fn file(&self, module: &[String]) -> String {
        self.modules[module].file.display().to_string()
    }

    /// What each module imports of the same crate, without itself.
    pub(crate) fn imports(&self) -> BTreeMap<&Name, BTreeSet<&Name>> {
        let mut all = BTreeMap::new();
        for (name, module) in &self.modules {
            let found = module.named.iter().filter_map(|path| self.find(name, path));
            all.insert(name, found.filter(|found| *found != name).collect());
        }
        all
    }
}

impl Module {
    fn import(&mut self, tree: &UseTree, visibility: &Visibility) {
        let mut all = Vec::new();
        flatten(tree, &mut Vec::new(), &mut all);
        for (path, own) in all {
            match (visibility, own) {
                (Visibility::Inherited, _) => drop(self.named.insert(path)),
                (_, Some(own)) => drop(self.passed_on.insert(own, path)),
                (_, None) => self.passed_on_whole.push(path),
            }
        }
    }

    /// Takes the paths out of what is given to a macro, which only the macro can parse.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path = Name::new();
        let mut joined = false;
        for tree in tokens {
            match &tree {
                TokenTree::Punct(point) if point.as_char() == ':' => {
                    joined = true;
                    continue;
                }
                TokenTree::Ident(word) if joined && !path.is_empty() => path.push(word.to_string()),
                other => {
                    self.named.insert(std::mem::take(&mut path));
                    if let TokenTree::Ident(word) = other {
                        path.push(word.to_string());
                    }
                }
            }
            joined = false;
            if let TokenTree::Group(group) = tree {
                self.scan(group.stream());
            }
        }
        self.named.insert(path);
    }
}

impl Visit<'_> for Module {
    fn visit_path(&mut self, path: &syn::Path) {
        self.named.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &Visibility) {
        // Who may see it is no use of whoever that is.
    }

    fn visit_macro(&mut self, call: &syn::Macro) {
        self.scan(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_item_use(&mut self, import: &syn::ItemUse) {
        self.import(&import.tree, &Visibility::Inherited);
    }

    fn visit_item_mod(&mut self, inner: &syn::ItemMod) {
        // Of a function; nothing here has such a one.
        assert!(is_tests(inner), "a module within a function is not looked into: {}", inner.ident);
    }
}

/// Every path of an import, with the name that it is given; without one where it is of everything in a module.
fn flatten(tree: &UseTree, before: &mut Name, all: &mut Vec<(Name, Option<String>)>) {
    let whole = |last: String| if last == "self" { before.clone() } else { [&before[..], &[last]].concat() };
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, all);
            before.pop();
        }
        UseTree::Name(name) => {
            let path = whole(name.ident.to_string());
            let own = path.last().cloned();
            all.push((path, own));
        }
        UseTree::Rename(rename) => all.push((whole(rename.ident.to_string()), Some(rename.rename.to_string()))),
        UseTree::Glob(_) => all.push((before.clone(), None)),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, all)),
    }
}

/// Whether it is `#[cfg(test)] mod tests`. Anything else under that attribute keeps to the rules.
fn is_tests(inner: &syn::ItemMod) -> bool {
    let test = |attribute: &Attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    };
    inner.ident == "tests" && inner.attrs.iter().any(test)
}

/// The source files below a folder. What is in a `tests.rs` is the body of a `mod tests`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs")).collect()
}
