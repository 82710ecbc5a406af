//! Finding out what runs at a URL: the table of software, tried at the places that the URL and
//! custom suggest, a few at a time, in a fixed order. What else is true of it is asked elsewhere.

use futures_util::StreamExt as _;
use http::Method;
use http::header::{HeaderMap, LOCATION};
use url::Url;

use crate::upstream::Manner;

use super::ask::{AT_ONCE, Answer, Asker, Failure};
use super::padding::Jsonp;
use super::place::{below, is_file, named, suggested};
use super::recognise::{Traits, json};
use super::shown::shown;
use super::software::{OF_ANYTHING, OF_JSON, SOFTWARE, Software, Way};

/// The most questions that look for the software: 64, so that enough are left to look at it.
const QUESTIONS: usize = 64;

/// After so many questions in a row that nothing answered, and none that something did, nobody is
/// asked any more: 4, one round.
const SILENCES: usize = AT_ONCE;

/// Redirects that are followed from the URL itself: 4, to https, to a start page, to a language, and one more.
const HOPS: usize = 4;

/// What runs at a URL.
#[derive(Debug)]
pub(super) struct Found {
    pub software: Option<&'static Software>,
    pub traits: Traits,
    /// Where its paths begin.
    pub base: Url,
    /// The target that was recognised, below the base.
    target: String,
    /// A URL that is an error.
    pub error_url: Url,
    answer: Answer,
}

/// What JSONP, CORS and speed are tried on.
#[derive(Debug)]
pub(super) struct Specimen {
    pub url: Url,
    pub plain: Option<Answer>,
    pub is_json: bool,
    /// The same with a callback, `{callback}` for its name; each with its parameter's name.
    pub padded: Vec<(&'static str, String)>,
}

/// One question.
struct Candidate {
    software: &'static Software,
    prefix: String,
    target: String,
    recognise: super::recognise::Recognise,
}

/// The URL's own answer, and where it leads.
struct Landing {
    url: Url,
    answer: Result<Answer, Failure>,
    elsewhere: Option<String>,
}

/// Finds what runs at a URL.
pub(super) async fn find(url: &Url, asker: &Asker) -> Result<Found, String> {
    let landing = land(url, asker).await?;
    let page = landing.answer.as_ref().map(|answer| &*answer.body).unwrap_or_default();
    let candidates = candidates(url, &landing.url, page);
    let mut answers = futures_util::stream::iter(candidates.into_iter().take(QUESTIONS))
        .map(|candidate| async {
            let url = below(&landing.url, &candidate.prefix, &candidate.target);
            let answer = match &url {
                Some(url) => asker.get(url).await,
                None => Err(Failure::OutOfRequests),
            };
            (candidate, answer)
        })
        .buffered(AT_ONCE);
    let mut silences = usize::from(landing.answer.is_err());
    while let Some((candidate, answer)) = answers.next().await {
        match answer {
            Ok(answer) if answer.status == 429 => {
                return Err("it asks for fewer requests (429); try again later".to_owned());
            }
            Ok(answer) => {
                silences = usize::MAX;
                if let Some(traits) = (candidate.recognise)(&answer) {
                    return Found::of(candidate, traits, answer, &landing.url);
                }
            }
            Err(failure) if failure.is_the_end() => break,
            Err(failure) if failure.is_silence() && silences < usize::MAX => {
                silences += 1;
                if silences > SILENCES {
                    return Err(failure.to_string());
                }
            }
            Err(_) => {}
        }
    }
    drop(answers);
    Found::unknown(landing)
}

/// Asks for the URL itself, and where that leads on the same host: to https, to a language's page.
async fn land(url: &Url, asker: &Asker) -> Result<Landing, String> {
    let mut url = url.clone();
    url.set_fragment(None);
    for _ in 0..HOPS {
        let answer = asker.ask(Method::GET, &url, HeaderMap::new(), Manner::Raw).await;
        if let Err(failure) = &answer
            && failure.is_of_the_host()
        {
            return Err(failure.to_string());
        }
        let redirect = answer.as_ref().ok().filter(|answer| (300..400).contains(&answer.status));
        let location = redirect.and_then(|answer| answer.field(&LOCATION));
        let Some(to) = location.and_then(|location| named(&url, location)) else {
            return Ok(Landing { url, answer, elsewhere: None });
        };
        if !is_the_same_place(&url, &to) {
            let elsewhere = Some(shown(to.as_str()));
            return Ok(Landing { url, answer, elsewhere });
        }
        url = to;
    }
    Err(format!("it redirects more than {HOPS} times"))
}

/// Whether a redirect stays with the host that was asked about, and does not give https up.
fn is_the_same_place(from: &Url, to: &Url) -> bool {
    let is_upgrade = (from.scheme(), to.scheme()) == ("http", "https");
    let same_port = from.port_or_known_default() == to.port_or_known_default();
    let is_anonymous = to.username().is_empty() && to.password().is_none();
    is_anonymous
        && to.host() == from.host()
        && (is_upgrade || to.scheme() == from.scheme() && same_port)
}

/// All questions, the likeliest first: what the page hints at, then the order of the table.
fn candidates(asked: &Url, landed: &Url, page: &[u8]) -> Vec<Candidate> {
    let page = String::from_utf8_lossy(page).to_ascii_lowercase();
    let mut order: Vec<_> = SOFTWARE.iter().collect();
    order.sort_by_key(|software| !software.hints.iter().any(|hint| page.contains(hint)));
    let mut own = suggested(asked);
    for place in suggested(landed) {
        if !own.contains(&place) {
            own.push(place);
        }
    }
    let host = landed.host_str().unwrap_or_default();
    let at = |software: &'static Software, index: usize, prefix: &str| {
        let endpoint = &software.endpoints[index];
        let target = endpoint.target.replace("{host}", host);
        Candidate { software, prefix: prefix.to_owned(), target, recognise: endpoint.recognise }
    };
    let mut all = Vec::new();
    for prefix in &own {
        all.extend(order.iter().map(|software| at(software, 0, prefix)));
    }
    for software in &order {
        let usual = software.prefixes.iter().filter(|prefix| !own.iter().any(|own| own == *prefix));
        all.extend(usual.map(|prefix| at(software, 0, prefix)));
    }
    for software in &order {
        for index in 1..software.endpoints.len() {
            all.extend(own.iter().map(|prefix| at(software, index, prefix)));
        }
    }
    all
}

impl Found {
    fn of(candidate: Candidate, traits: Traits, answer: Answer, url: &Url) -> Result<Self, String> {
        let Candidate { software, prefix, target, .. } = candidate;
        let place = |target: &str| below(url, &prefix, target).ok_or("its URL cannot be joined");
        let (base, error_url) = (place("")?, place(software.error)?);
        Ok(Self { software: Some(software), traits, base, target, error_url, answer })
    }

    /// Nothing of the table: the URL's own answer is all there is.
    fn unknown(landing: Landing) -> Result<Self, String> {
        let url = landing.url;
        if let Some(to) = landing.elsewhere {
            return Err(format!(
                "nothing known answers there, and it redirects to {to}: probe that"
            ));
        }
        let answer = landing.answer.map_err(|failure| failure.to_string())?;
        if answer.status >= 400 {
            let why = match answer.status {
                403 => "; it may refuse whoever is no browser",
                _ => "",
            };
            let status = answer.status;
            return Err(format!(
                "nothing known answers there, and the URL itself is answered with {status}{why}"
            ));
        }
        let mut base = url.clone();
        base.set_query(None);
        let path = base.path();
        let is_inside = url.query().is_some() || path.ends_with('/') || is_file(path);
        let end = if is_inside { path.rfind('/') } else { None };
        let folder = path[..end.unwrap_or(path.len())].to_owned();
        base.set_path(&folder);
        let error_url = below(&base, folder.trim_end_matches('/'), "unpad-probe-none");
        let error_url = error_url.ok_or("its URL cannot be joined")?;
        let traits = Traits::default();
        Ok(Self { software: None, traits, base, target: url.to_string(), error_url, answer })
    }

    /// The registry's word for it.
    pub(super) fn dialect(&self, jsonp: &Jsonp) -> &'static str {
        match self.software {
            Some(software) => software.dialect,
            None if matches!(jsonp, Jsonp::Works(_)) => OF_JSON,
            None => OF_ANYTHING,
        }
    }

    /// What to try things on: the software's own example, or what was recognised if that is not
    /// there.
    pub(super) async fn specimen(&self, asker: &Asker) -> Specimen {
        if let Some(software) = self.software
            && let Some(plain) = self.filled(software.way.plain)
            && let Some(url) = self.url(&plain)
        {
            let answer = if plain == self.target {
                Some(self.answer.clone())
            } else {
                asker.get(&url).await.ok().filter(|answer| json(answer).is_some())
            };
            if let Some(answer) = answer {
                let Way { padded, parameter, .. } = software.way;
                let padded = self.filled(padded).and_then(|target| self.url(&target));
                let padded = padded.map(|url| (parameter, url.to_string()));
                let is_json = json(&answer).is_some();
                return Specimen {
                    url,
                    plain: Some(answer),
                    is_json,
                    padded: padded.into_iter().collect(),
                };
            }
        }
        let url = self.url(&self.target).unwrap_or_else(|| self.base.clone());
        let is_json = json(&self.answer).is_some();
        let mut padded = Vec::new();
        if self.software.is_none() && is_json {
            for parameter in super::software::COMMON_PARAMETERS {
                let mark = if url.query().is_some() { '&' } else { '?' };
                padded.push((parameter, format!("{url}{mark}{parameter}={{callback}}")));
            }
        }
        Specimen { url, plain: Some(self.answer.clone()), is_json, padded }
    }

    /// A target of the table with its places filled; `None` if there is no sample for it.
    fn filled(&self, template: &str) -> Option<String> {
        let mut target = template.replace("{endpoint}", &self.target);
        if target.contains("{sample}") {
            target = target.replace("{sample}", self.traits.sample.as_deref()?);
        }
        if !target.contains('?') {
            target = target.replacen('&', "?", 1);
        }
        Some(target)
    }

    /// The URL of a target. `{callback}` stays as it is.
    fn url(&self, target: &str) -> Option<Url> {
        match self.software {
            Some(_) => below(&self.base, self.base.path().trim_end_matches('/'), target),
            None => Url::parse(target).ok(),
        }
    }
}
