//! No circles between modules: files that import each other in a loop can only be understood together.
//!
//! A module is a file. It uses another one if it names something that is defined there; a name that a
//! module only hands on (`pub use`) counts for the file that defines it. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// Where a module stands in its crate: nothing for `lib.rs`, else the names of the modules down to it.
type Place = Vec<String>;

/// The circles between the modules of the crate whose sources lie below `src`; a line each.
///
/// # Errors
/// A source file cannot be read or understood.
pub fn check(name: &str, src: &Path) -> io::Result<Vec<String>> {
    let mut modules = BTreeMap::new();
    for file in sources(src)? {
        let place = place_of(src, &file);
        let text = std::fs::read_to_string(&file)?;
        let tree = syn::parse_file(&text)
            .map_err(|error| io::Error::other(format!("{}: {error}", file.display())))?;
        modules.insert(place.clone(), Module::read(place, &tree));
    }
    let for_tests: Vec<Place> = (modules.values())
        .flat_map(|module| {
            let children = module.test_children.iter();
            children.map(|child| [module.place.as_slice(), std::slice::from_ref(child)].concat())
        })
        .collect();
    modules.retain(|place, _| !for_tests.iter().any(|it| place.starts_with(it)));
    let house = House(modules);
    Ok(house
        .circles()
        .iter()
        .map(|circle| format!("{name}: {}", house.describe(circle)))
        .collect())
}

/// Source files below `folder`, without tests and without programs that only call the library.
fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let is_test = name == "tests" || name.ends_with("_tests");
        if is_test || name == "main" || name == "bin" {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn place_of(src: &Path, file: &Path) -> Place {
    let inside = file.strip_prefix(src).unwrap_or(file).with_extension("");
    let mut place: Place = inside
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if place
        .last()
        .is_some_and(|last| last == "mod" || last == "lib")
    {
        place.pop();
    }
    place
}

/// What one file says of others.
struct Module {
    place: Place,
    /// Modules that it declares.
    children: BTreeSet<String>,
    /// Those of them that only its tests have.
    test_children: BTreeSet<String>,
    /// Names that it only hands on, and what they stand for.
    handed_on: BTreeMap<String, Place>,
    /// What it names of its crate.
    named: BTreeSet<Place>,
}

impl Module {
    fn read(place: Place, tree: &syn::File) -> Self {
        let mut module = Self {
            place,
            children: BTreeSet::new(),
            test_children: BTreeSet::new(),
            handed_on: BTreeMap::new(),
            named: BTreeSet::new(),
        };
        for item in &tree.items {
            if let syn::Item::Mod(child) = item {
                let name = child.ident.to_string();
                if is_for_tests(&child.attrs) {
                    module.test_children.insert(name.clone());
                }
                module.children.insert(name);
            }
        }
        module.visit_file(tree);
        module
    }

    /// A path of this file as it is called from the crate's top; `None` if it leads elsewhere.
    fn absolute(&self, path: &[String]) -> Option<Place> {
        let (first, rest) = path.split_first()?;
        let (mut place, mut rest) = match first.as_str() {
            "crate" => (Place::new(), rest),
            "self" => (self.place.clone(), rest),
            "super" => (self.parent(), rest),
            child if self.children.contains(child) => (self.place.clone(), path),
            _ => return None,
        };
        while let Some(("super", further)) = rest.split_first().map(|(f, r)| (f.as_str(), r)) {
            place.pop();
            rest = further;
        }
        place.extend_from_slice(rest);
        Some(place)
    }

    fn parent(&self) -> Place {
        let mut place = self.place.clone();
        place.pop();
        place
    }

    fn take_use(&mut self, before: &[String], tree: &syn::UseTree, is_handed_on: bool) {
        let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        let (path, called) = match tree {
            syn::UseTree::Path(path) => {
                return self.take_use(&with(&path.ident), &path.tree, is_handed_on);
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.take_use(before, tree, is_handed_on);
                }
                return;
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                (before.to_vec(), before.last().cloned())
            }
            syn::UseTree::Name(name) => (with(&name.ident), Some(name.ident.to_string())),
            syn::UseTree::Rename(name) => (with(&name.ident), Some(name.rename.to_string())),
            syn::UseTree::Glob(_) => (before.to_vec(), None),
        };
        let (Some(place), Some(called)) = (self.absolute(&path), called) else {
            return;
        };
        if is_handed_on {
            self.handed_on.insert(called, place);
        } else {
            self.named.insert(place);
        }
    }
}

impl Visit<'_> for Module {
    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        if !is_for_tests(&item.attrs) {
            let is_handed_on = !matches!(item.vis, syn::Visibility::Inherited);
            self.take_use(&[], &item.tree, is_handed_on);
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|it| it.ident.to_string())
            .collect();
        if names.len() > 1 {
            self.named.extend(self.absolute(&names));
        }
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &syn::Visibility) {}
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_test = |list: &syn::MetaList| list.tokens.to_string() == "test";
        attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(is_test)
    })
}

/// The modules of one crate.
struct House(BTreeMap<Place, Module>);

impl House {
    /// The module that defines what `path` names, with that name.
    fn definition(&self, path: &[String]) -> Option<(&Module, String)> {
        let mut path = path.to_vec();
        // A name may be handed on more than once.
        for _ in 0..8 {
            let length = (0..=path.len())
                .rev()
                .find(|length| self.0.contains_key(&path[..*length]))?;
            let module = self.0.get(&path[..length])?;
            let Some(name) = path.get(length) else {
                let own = module.place.last().cloned().unwrap_or_default();
                return Some((module, own));
            };
            let Some(elsewhere) = module.handed_on.get(name) else {
                return Some((module, name.clone()));
            };
            path = [elsewhere, &path[length + 1..]].concat();
        }
        None
    }

    /// The modules that a module uses, and the names that it takes from each.
    fn used_by(&self, module: &Module) -> BTreeMap<&Place, BTreeSet<String>> {
        let mut used: BTreeMap<&Place, BTreeSet<String>> = BTreeMap::new();
        for path in &module.named {
            if let Some((other, name)) = self.definition(path)
                && other.place != module.place
            {
                used.entry(&other.place).or_default().insert(name);
            }
        }
        used
    }

    /// Sets of modules of which each one reaches every other.
    fn circles(&self) -> Vec<BTreeSet<&Place>> {
        let edges: BTreeMap<&Place, BTreeSet<&Place>> = (self.0.iter())
            .map(|(place, module)| (place, self.used_by(module).into_keys().collect()))
            .collect();
        let reached: BTreeMap<&Place, BTreeSet<&Place>> = edges
            .keys()
            .map(|place| (*place, reach(&edges, place)))
            .collect();
        let mut circles = BTreeSet::new();
        for (place, all) in &reached {
            if all.contains(place) {
                let both =
                    |other: &&&Place| reached.get(*other).is_some_and(|it| it.contains(place));
                circles.insert(all.iter().filter(both).copied().collect::<BTreeSet<_>>());
            }
        }
        circles.into_iter().collect()
    }

    fn describe(&self, circle: &BTreeSet<&Place>) -> String {
        let mut ties = Vec::new();
        for place in circle {
            let Some(module) = self.0.get(*place) else {
                continue;
            };
            for (other, names) in self.used_by(module) {
                if circle.contains(other) {
                    let names: Vec<String> = names.into_iter().collect();
                    ties.push(format!(
                        "{} -> {}: {}",
                        shown(place),
                        shown(other),
                        names.join(", ")
                    ));
                }
            }
        }
        format!(
            "{} modules in a circle\n  {}",
            circle.len(),
            ties.join("\n  ")
        )
    }
}

/// Everything that `start` leads to; itself only if something leads back.
fn reach<'m>(
    edges: &BTreeMap<&'m Place, BTreeSet<&'m Place>>,
    start: &Place,
) -> BTreeSet<&'m Place> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Place> = edges.get(start).into_iter().flatten().copied().collect();
    while let Some(place) = open.pop() {
        if found.insert(place) {
            open.extend(edges.get(place).into_iter().flatten());
        }
    }
    found
}

fn shown(place: &Place) -> String {
    if place.is_empty() {
        "lib".to_owned()
    } else {
        place.join("::")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let modules = files.iter().map(|(name, text)| {
            let place = place_of(Path::new("src"), &Path::new("src").join(name));
            (
                place.clone(),
                Module::read(place, &syn::parse_file(text).unwrap()),
            )
        });
        let house = House(modules.collect());
        house
            .circles()
            .iter()
            .map(|circle| house.describe(circle))
            .collect()
    }

    #[test]
    fn two_files_that_import_each_other_are_told_with_the_names() {
        let found = circles(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::Two; pub struct One(Two);"),
            ("b.rs", "pub struct Two; fn it() { super::a::one() }"),
        ]);
        assert_eq!(
            found,
            ["2 modules in a circle\n  a -> b: Two\n  b -> a: one"]
        );
    }

    #[test]
    fn a_child_that_its_parent_needs_and_that_needs_its_parent_is_a_circle() {
        let found = circles(&[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod c; use c::Child; pub struct Parent(Child);"),
            ("a/c.rs", "pub struct Child; impl super::Parent {}"),
        ]);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn what_is_only_handed_on_counts_for_who_defines_it() {
        let found = circles(&[
            (
                "lib.rs",
                "mod a; mod b; pub use a::One; pub use b::Two as Second;",
            ),
            ("a.rs", "pub struct One;"),
            ("b.rs", "use crate::One; pub struct Two(One);"),
            (
                "c.rs",
                "use crate::{One, Second}; struct Three(One, Second);",
            ),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn tests_may_import_whatever_they_test() {
        let found = circles(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::Two; pub struct One(Two);"),
            (
                "b.rs",
                "pub struct Two; #[cfg(test)] mod tests { use crate::a::One; }",
            ),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }
}
