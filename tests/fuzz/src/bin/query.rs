//! From a caller's query to the portal's (`src/portal/query.rs`): no callback of the caller's stays, ours
//! comes last, and the rest is as it was written. Not a test of paths (`target`).
#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use unpad::portal::{Call, Dialect, Portal};
use unpad_fuzz::portals;
use url::form_urlencoded;

// A byte that chooses the portal, a path, `?`, a query.
fuzz_target!(|data: &[u8]| {
    let Some((portal, written)) = portals::asked(data) else { return };
    let (path, query) = written.split_once('?').unwrap_or(("", written));
    let Ok(target) = portal.target(path, Some(query)) else { return };
    let own: Vec<_> = parameters(query).collect();
    let plain = target.url();
    let sent: Vec<_> = parameters(plain.query().unwrap_or_default()).collect();
    if portal.dialect == Dialect::Transparent {
        return same(&sent, &own);
    }
    let kept: Vec<_> = own.iter().copied().filter(|one| !drops(portal, &name(one))).collect();
    // An empty parameter that is left alone is an empty query.
    let kept = if sent.is_empty() && kept == [""] { Vec::new() } else { kept };
    assert!(sent.len() >= kept.len());
    same(&sent[..kept.len()], &kept);
    for added in &sent[kept.len()..] {
        assert!(adds(portal, added), "{added} is nobody's");
        assert!(!own.iter().any(|own| name(own) == name(added)), "the caller has said {added}");
    }
    if let Some(padded) = target.padded() {
        let sent: Vec<_> = parameters(padded.query().expect("a callback")).collect();
        callback_is_last(portal, &sent, &kept);
    }
});

/// The parameters of a query, as they are written.
fn parameters(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter(move |_| !query.is_empty())
}

/// A parameter's name and value, as the `url` crate's decoder of forms reads them.
fn pair(parameter: &str) -> (Cow<'_, str>, Cow<'_, str>) {
    form_urlencoded::parse(parameter.as_bytes()).next().unwrap_or_default()
}

fn name(parameter: &str) -> Cow<'_, str> {
    pair(parameter).0
}

/// Byte for byte, but for what may not stand in a URL, which the `url` crate escapes.
fn same(sent: &[&str], own: &[&str]) {
    let escapes =
        |text: &str| text.bytes().any(|b| !b.is_ascii_graphic() || b"\"#<>'".contains(&b));
    assert_eq!(sent.len(), own.len(), "{sent:?} {own:?}");
    for (sent, own) in sent.iter().zip(own) {
        if escapes(own) {
            let decoded = |text| percent_encoding::percent_decode_str(text).collect::<Vec<_>>();
            // Tabs and line ends are left out of URLs.
            let left: String = own.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
            assert_eq!(decoded(sent), decoded(&left));
        } else {
            assert_eq!(sent, own);
        }
    }
}

/// Whether two names are one for a call.
fn named(call: &Call, one: &str, other: &str) -> bool {
    one == other || call.format.is_some() && one.eq_ignore_ascii_case(other)
}

fn drops(portal: &Portal, name: &str) -> bool {
    let asking = &portal.asking;
    let callback = |call: &Call| call.before.is_empty() && named(call, name, &call.parameter);
    asking.drop_query.iter().any(|dropped| dropped == name) || asking.calls.iter().any(callback)
}

/// Whether the entry or its dialect adds a parameter.
fn adds(portal: &Portal, parameter: &str) -> bool {
    let (name, value) = pair(parameter);
    portal.asking.query.iter().any(|(n, v)| (n, v) == (&name.to_string(), &value.to_string()))
        || portal.asking.calls.iter().any(|call| call.added() == Some((&name, &value)))
}

fn callback_is_last(portal: &Portal, sent: &[&str], kept: &[&str]) {
    let ours = portal.asking.callback.as_str();
    let (last, before) = sent.split_last().expect("a callback");
    let (last_name, value) = pair(last);
    let call = portal.asking.calls.iter().find(|call| call.parameter == last_name);
    let call = call.expect("a parameter that takes a callback");
    let own = value.strip_suffix(ours).and_then(|own| own.strip_suffix(&*call.before));
    assert_eq!(own.map(|own| own.is_empty() || own.ends_with(';')), Some(true), "{value}");
    let own = own.unwrap_or_default();
    match &*call.before {
        "" => assert_eq!(own, "", "nothing but our name"),
        before => assert!(!own.split(';').any(|part| part.starts_with(before)), "{value}"),
    }
    for parameter in before {
        let name = name(parameter);
        assert!(!named(call, &name, &call.parameter), "{parameter} beside {last}");
        let set = call.set.iter().find(|(set, _)| named(call, &name, set));
        if let Some((_, wanted)) = set {
            assert_eq!(&pair(parameter).1, wanted);
        }
    }
    for (set, wanted) in call.set.iter() {
        let told = |parameter: &&str| pair(parameter) == (Cow::from(&**set), Cow::from(&**wanted));
        assert_eq!(before.iter().copied().filter(|one| told(one)).count(), 1);
    }
    // What else the caller asked for is there, in order.
    let others: Vec<_> = kept
        .iter()
        .copied()
        .filter(|one| {
            let name = name(one);
            !named(call, &name, &call.parameter)
                && !call.set.iter().any(|(set, _)| named(call, &name, set))
        })
        .collect();
    assert!(before.len() >= others.len());
    same(&before[..others.len()], &others);
}
