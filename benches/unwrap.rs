//! How fast the padding comes off, beside what it would cost with `serde_json`.
//! Not a statistics package: rounds, medians, one table; under a minute.
//!
//! `cargo bench --bench unwrap`. The rows of a document are measured alternately, so that the
//! ratio compares neighbours in time and survives a noisy machine.
#![allow(clippy::disallowed_methods, reason = "a benchmark measures the time of the machine")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use unpad::jsonp::{self, CallbackName, Limits, Shape};

const MEBIBYTE: usize = 1 << 20;

fn main() {
    // Only `cargo bench` passes `--bench`: otherwise see that it runs, measure nothing.
    let trial = !std::env::args().any(|argument| argument == "--bench");
    let plan = if trial {
        Plan { rounds: 1, span: Duration::ZERO, small: 1 << 12, large: 1 << 14 }
    } else {
        Plan { rounds: 31, span: Duration::from_millis(40), small: MEBIBYTE, large: 20 * MEBIBYTE }
    };
    println!(
        "GB/s, medians of {} rounds; ratio = ours / serde_json in the same round",
        plan.rounds
    );
    println!(
        "{:<22} {:>9} {:>8} {:>8} {:>12} {:>8}",
        "document", "bytes", "ours", "serde", "std utf-8", "ratio"
    );
    for (name, escaped) in [("raw UTF-8", false), ("\\u escapes", true)] {
        for size in [plan.small, plan.large] {
            let json = datastore_search(size, escaped);
            plan.measure(&format!("{name}, {} kB", size / 1024), &json);
        }
    }
}

struct Plan {
    rounds: usize,
    /// How long one row is repeated in a round.
    span: Duration,
    small: usize,
    large: usize,
}

impl Plan {
    fn measure(&self, name: &str, json: &str) {
        let callback = CallbackName::new("jsonp_1").expect("a valid name");
        let (shape, limits) = (Shape::default(), Limits::default());
        let body = format!("jsonp_1({json});").into_bytes();
        let ours = || jsonp::unwrap(black_box(&body), &callback, &shape, &limits).is_ok();
        let serde = || {
            let bytes = black_box(json.as_bytes());
            simdutf8::basic::from_utf8(bytes)
                .is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
        };
        let utf8 = || std::str::from_utf8(black_box(json.as_bytes())).is_ok();
        let rows: [Vec<f64>; 3] = {
            let mut rows: [Vec<f64>; 3] = Default::default();
            for _ in 0..self.rounds {
                rows[0].push(self.speed(json.len(), ours));
                rows[1].push(self.speed(json.len(), serde));
                rows[2].push(self.speed(json.len(), utf8));
            }
            rows
        };
        let ratios = rows[0].iter().zip(&rows[1]).map(|(ours, serde)| ours / serde).collect();
        let [ours, serde, utf8] = rows.map(median);
        println!(
            "{name:<22} {:>9} {ours:>8.2} {serde:>8.2} {utf8:>12.2} {:>8.2}",
            json.len(),
            median(ratios)
        );
    }

    /// Billions of bytes in a second, by the fastest run of the span.
    fn speed(&self, bytes: usize, work: impl Fn() -> bool) -> f64 {
        let started = Instant::now();
        let mut best = Duration::MAX;
        loop {
            let run = Instant::now();
            assert!(work(), "the document is valid");
            best = best.min(run.elapsed());
            if started.elapsed() >= self.span {
                #[expect(clippy::cast_precision_loss, reason = "a table with two decimals")]
                return bytes as f64 / best.as_secs_f64() / 1e9;
            }
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// An answer of CKAN's `datastore_search` of at least `size` bytes: 19 fields, short texts, blanks
/// where Python's `json` writes them, accents as UTF-8 or (CKAN's default) as escapes.
fn datastore_search(size: usize, escaped: bool) -> String {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut text = String::with_capacity(size + 1024);
    text.push_str(
        r#"{"help": "https://data.example.org/api/3/action/help_show?name=datastore_search", "#,
    );
    text.push_str(r#""success": true, "result": {"include_total": true, "records": ["#);
    for id in 1.. {
        record(&mut text, id, &mut random);
        if text.len() >= size {
            break;
        }
        text.push_str(", ");
    }
    text.push_str(r#"], "limit": 32000, "total": 123456}}"#);
    if escaped { escape(&text) } else { text }
}

fn record(text: &mut String, id: usize, random: &mut Random) {
    const STREETS: [&str; 8] = [
        "Carrer de Sants",
        "Passeig de Gràcia",
        "Via Laietana",
        "Carrer del Consell de Cent",
        "Plaça de Catalunya",
        "Gran Via de les Corts Catalanes",
        "Av. Diagonal",
        "Ронда Літораль",
    ];
    const NAMES: [&str; 6] =
        ["Sant Martí", "Eixample", "Gràcia", "Ciutat Vella", "Horta-Guinardó", "Les Corts"];
    const KINDS: [&str; 5] = ["Plàtan", "Om", "Lledoner", "Xop del Canadà", "Tipuana \\\"tipu\\\""];
    let street = random.pick(&STREETS);
    let (district, quarter) = (random.pick(&NAMES), random.pick(&NAMES));
    let kind = random.pick(&KINDS);
    let (a, b, c) = (random.below(1_000_000), random.below(1_000_000), random.below(90));
    let optional = ["null", "\"\"", "true", "false"][random.below(4)];
    write!(
        text,
        "{{\"_id\": {id}, \"codi\": \"{a:07}A{c}\", \"x_etrs89\": {}.{b}, \"y_etrs89\": {}.{a}, \
         \"latitud\": \"41.3{b}\", \"longitud\": \"2.1{a}\", \"tipus_element\": \"ARBRE VIARI\", \
         \"espai_verd\": \"{street}, {c} ({quarter})\", \"adreca\": \"{street}, {c}\", \
         \"alcada\": {optional}, \"cat_especie_id\": {c}, \"nom_cientific\": \"Platanus x {a}\", \
         \"nom_castella\": \"{kind}\", \"categoria\": \"PRIMERA\", \"data_plantacio\": \
         \"20{:02}-0{}-1{}T00:00:00\", \"tipus_aigua\": null, \"codi_districte\": {}, \
         \"nom_districte\": \"{district}\", \"nom_barri\": \"{quarter}\"}}",
        420_000 + a % 10_000,
        4_570_000 + b % 10_000,
        c % 25,
        1 + a % 9,
        b % 9,
        1 + c % 10,
    )
    .expect("writing to a string");
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if character.is_ascii() {
            escaped.push(character);
        } else {
            write!(escaped, "\\u{:04x}", u32::from(character)).expect("writing to a string");
        }
    }
    escaped
}

/// The same documents on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let bits = usize::try_from(self.0 >> 40).expect("24 bits");
        bits % bound
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}
