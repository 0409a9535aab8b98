//! Links between the documents: each leads to a file of the tree.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where documents lie, beside those at the root.
const FOLDERS: [&str; 3] = ["docs", "docs/guide", "docs/internals"];

/// One line for each link of a document of the workspace at `root` that leads to no file, and for
/// each document below `docs` that `docs/README.md` does not list. A folder that is not there has none.
///
/// # Errors
/// A file or directory could not be read.
pub fn check(root: &Path) -> io::Result<Vec<String>> {
    let mut documents = documents(root, Path::new(""))?;
    for folder in FOLDERS {
        documents.extend(self::documents(root, Path::new(folder))?);
    }
    let mut breaches = Vec::new();
    for document in &documents {
        let text = fs::read_to_string(root.join(document))?;
        let folder = document.parent().unwrap_or(Path::new(""));
        for link in links(&text) {
            if !root.join(folder).join(link).exists() {
                breaches.push(format!(
                    "{} links {link}, which is no file",
                    document.display()
                ));
            }
        }
    }
    let index = Path::new("docs/README.md");
    if documents.iter().any(|document| document == index) {
        let text = fs::read_to_string(root.join(index))?;
        let missing = not_listed(&text, &documents);
        breaches.extend(missing.map(|name| format!("docs/README.md does not list {name}")));
    }
    Ok(breaches)
}

/// The documents in `folder`, from the root of the workspace.
fn documents(root: &Path, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(root.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = folder.join(entry?.file_name());
        if path.extension() == Some("md".as_ref()) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The documents below `docs` that `index`, the text of `docs/README.md`, has no link to.
fn not_listed<'d>(index: &str, documents: &'d [PathBuf]) -> impl Iterator<Item = &'d str> {
    let listed: Vec<String> = links(index).map(str::to_owned).collect();
    let names = documents
        .iter()
        .filter_map(|document| document.strip_prefix("docs").ok()?.to_str());
    names.filter(move |name| *name != "README.md" && !listed.iter().any(|link| link == name))
}

/// What stands behind `](`, without a place in the document; addresses of the web are left out.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let behind = text.split("](").skip(1);
    behind
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|link| !link.is_empty() && !link.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_a_path_without_its_place_and_the_web_is_none() {
        let text = "[a](a.md), [b](../b.md#there) and [c](https://example.org/c.md), [d](#here)";
        assert_eq!(links(text).collect::<Vec<_>>(), ["a.md", "../b.md"]);
    }

    #[test]
    fn every_link_of_the_documents_leads_to_a_file() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert_eq!(check(&root).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_document_that_the_list_lacks_is_named() {
        let documents = [
            "README.md",
            "docs/README.md",
            "docs/guide/a.md",
            "docs/guide/b.md",
        ];
        let documents = documents.map(PathBuf::from);
        let missing = not_listed("- [a](guide/a.md): of a", &documents);
        assert_eq!(missing.collect::<Vec<_>>(), ["guide/b.md"]);
    }
}
