//! Why a configuration is refused: the file, the line, the column, the sentence and, where it
//! helps, the line itself. It decides nothing.

use std::fmt;

use serde_saphyr::budget::BudgetBreach;

/// A configuration that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    file: String,
    /// Line and column, from 1.
    place: Option<(u64, u64)>,
    sentence: String,
    excerpt: Option<String>,
}

impl ConfigError {
    pub(super) fn unreadable(file: &str, error: &std::io::Error) -> Self {
        let sentence = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => format!("it cannot be read: {error}"),
        };
        Self::of_meaning(file, sentence)
    }

    pub(super) fn too_long(file: &str) -> Self {
        let most = super::FILE_BYTES;
        Self::of_meaning(file, format!("it is longer than {most} bytes (1 MiB)"))
    }

    pub(super) fn not_text(file: &str) -> Self {
        Self::of_meaning(file, "it is not UTF-8 text".to_owned())
    }

    pub(super) fn of_meaning(file: &str, sentence: String) -> Self {
        Self { file: file.to_owned(), place: None, sentence, excerpt: None }
    }

    pub(super) fn of_yaml(file: &str, error: &serde_saphyr::Error) -> Self {
        let place = error.location().map(|at| (at.line(), at.column()));
        let rendered = error.render();
        let excerpt: Vec<_> = rendered.lines().filter(|line| is_source(line)).map(caret).collect();
        Self {
            file: file.to_owned(),
            place,
            sentence: sentence(error.without_snippet()),
            excerpt: (!excerpt.is_empty()).then(|| excerpt.join("\n")),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.sentence)?;
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n{excerpt}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Whether a line of the rendered error shows the source: those have a bar after the line number.
fn is_source(line: &str) -> bool {
    line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|')
}

/// A line under the source points with a caret; the words after it stand above already.
fn caret(line: &str) -> &str {
    match line.split_once("| ") {
        Some((_, rest)) if rest.trim_start().starts_with('^') => {
            &line[..=line.find('^').unwrap_or(0)]
        }
        _ => line,
    }
}

/// What is wrong, in words of a configuration rather than of a parser.
fn sentence(error: &serde_saphyr::Error) -> String {
    match error {
        serde_saphyr::Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("the same key");
            format!("`{key}` stands here twice: keep one of them")
        }
        serde_saphyr::Error::Budget { breach, .. } => match breach {
            BudgetBreach::Anchors { .. } | BudgetBreach::Aliases { .. } => {
                "anchors (`&`) and aliases (`*`) are not read: write the value out".to_owned()
            }
            BudgetBreach::Documents { .. } => {
                "the file has a second document (`---`): keep one".to_owned()
            }
            other => format!("the file is over a limit of the reader: {other:?}"),
        },
        serde_saphyr::Error::MergeKeyNotAllowed { .. } => {
            "merge keys (`<<`) are not read: write the values out".to_owned()
        }
        serde_saphyr::Error::Eof { .. } => "the file has nothing in it".to_owned(),
        other => {
            let text = other.to_string();
            // The place stands in front, in the usual form.
            text.split(" at line ").next().unwrap_or(&text).to_owned()
        }
    }
}
