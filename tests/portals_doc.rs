//! `docs/portals.md` has what an entry can say: every dialect, every field, and examples that are
//! right. Not whether its sentences are true.

use unpad::config;
use unpad::portal::Dialect;

const GUIDE: &str = include_str!("../docs/portals.md");

/// What the guide shows as YAML, each as a whole registry.
fn examples() -> Vec<String> {
    let mut examples = Vec::new();
    for block in GUIDE.split("```yaml\n").skip(1) {
        let text = block.split("```").next().unwrap_or_default();
        // In a list, the block has the list's indentation.
        let indented = text.starts_with("   portals:");
        let text = if indented {
            text.replace("\n   ", "\n").replacen("   ", "", 1)
        } else {
            text.to_owned()
        };
        examples.push(match text.chars().take_while(|c| *c == ' ').count() {
            0 => text,
            2 => format!("portals:\n{text}"),
            _ => format!("portals:\n  city:\n    base: https://data.city.example\n{text}"),
        });
    }
    examples
}

#[test]
fn every_dialect_has_a_row_that_says_whether_it_is_verified() {
    for dialect in Dialect::ALL {
        let start = format!("| `{dialect}` |");
        let rows: Vec<_> = GUIDE.lines().filter(|line| line.starts_with(&start)).collect();
        let [row] = rows[..] else { panic!("{dialect}: {} rows", rows.len()) };
        let traits = dialect.traits();
        for call in traits.calls {
            let parameter = format!("`{}", call.parameter);
            assert!(row.contains(&parameter), "{dialect}: no word of {parameter}`");
        }
        for member in traits.in_band {
            let (unpad::portal::InBand::Member(name) | unpad::portal::InBand::False(name)) = member;
            assert!(
                row.contains(&format!("`{name}`")),
                "{dialect}: no word of the member `{name}`"
            );
        }
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let verified = cells[cells.len() - 2];
        let expected = match (traits.calls.is_empty(), traits.recorded) {
            (true, _) => "",
            (false, true) => "yes",
            (false, false) => "no",
        };
        assert_eq!(verified.split(',').next(), Some(expected), "{dialect}: {row}");
    }
}

#[test]
fn every_field_of_an_entry_is_told_of() {
    let schema = config::schema();
    let fields = |of: &str| {
        let properties = schema["$defs"][of]["properties"].as_object();
        let names = properties.unwrap_or_else(|| panic!("`{of}` has properties")).keys();
        names.cloned().collect::<Vec<_>>()
    };
    for field in fields("Portal") {
        let told = GUIDE.contains(&format!("`{field}`")) || GUIDE.contains(&format!("`{field}."));
        assert!(told, "no word of `{field}`");
    }
    for (section, of) in [("freshness", "Freshness"), ("limits", "Limits"), ("cors", "Cors")] {
        for field in fields(of) {
            let whole = GUIDE.contains(&format!("`{section}.{field}`"));
            assert!(
                whole || GUIDE.contains(&format!("`.{field}`")),
                "no word of `{section}.{field}`"
            );
        }
    }
}

#[test]
fn every_example_is_right() {
    let examples = examples();
    assert!(examples.len() >= 14, "{} examples", examples.len());
    for example in examples {
        match config::parse("portals.yaml", &example) {
            Ok(config) => assert_eq!(config.notices, [""; 0], "{example}"),
            Err(why) => {
                // The guide says that a missing key is told.
                let why = why.to_string();
                assert!(why.contains("`SOCRATA_TOKEN`"), "{why}\n{example}");
            }
        }
    }
}
