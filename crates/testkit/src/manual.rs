//! A manual page against a program's options.

/// The options, by long name and letter, that no entry of the page names: it has a line that begins
/// with `.B` for each.
#[must_use]
pub fn unexplained_options<'o>(
    page: &str,
    options: impl IntoIterator<Item = (Option<&'o str>, Option<char>)>,
) -> Vec<String> {
    let page = page.replace('\\', "");
    let entries = page.lines().filter(|line| line.starts_with(".B"));
    let words: Vec<&str> = entries
        .flat_map(|line| line.split([' ', '"', ',', '=']))
        .collect();
    let names = options.into_iter().flat_map(|(long, letter)| {
        let long = long.map(|name| format!("--{name}"));
        [long, letter.map(|letter| format!("-{letter}"))]
    });
    names
        .flatten()
        .filter(|name| !words.contains(&name.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_explained_by_an_entry_under_each_of_its_names() {
        let page =
            ".TP\n.BR \\-c \", \" \\-\\-configfile =\\fIFILE\\fR\nSee --lost.\n.B \\-\\-clear\n";
        let options = [
            (Some("configfile"), Some('c')),
            (Some("clear"), None),
            (Some("lost"), None),
            (Some("clear"), Some('C')),
        ];
        assert_eq!(unexplained_options(page, options), ["--lost", "-C"]);
    }
}
