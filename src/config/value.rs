//! The scalars of the configuration: times, sizes, and texts that other rooms can read. Each is
//! checked where it stands, so that an error has its place in the file.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use url::Url;

use crate::cors::Origins;

/// A text that `T` can be read from.
#[derive(Debug, Clone)]
pub(super) struct Text<T>(pub T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(de::Error::custom)
    }
}

impl<T> JsonSchema for Text<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A time with its unit: `500ms`, `30s`, `5m`, `2h`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(pub Duration);

/// The longest time: 10 years. More is a slip of the keyboard.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || {
            format!(
                "`{text}` is not a time: write a whole number and its unit, such as `500ms`, `30s`, `5m`, `2h` or `7d`"
            )
        };
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refuse)?;
        let number: u64 = text[..digits].parse().map_err(|_| refuse())?;
        let time = match text[digits..].trim_start() {
            "ms" => Some(Duration::from_millis(number)),
            "s" => Some(Duration::from_secs(number)),
            "m" => number.checked_mul(60).map(Duration::from_secs),
            "h" => number.checked_mul(3600).map(Duration::from_secs),
            "d" => number.checked_mul(24 * 3600).map(Duration::from_secs),
            _ => return Err(refuse()),
        };
        match time.filter(|time| *time <= LONGEST) {
            Some(time) => Ok(Self(time)),
            None => Err(format!("`{text}` is longer than ten years")),
        }
    }
}

/// A size with its unit, or a number of bytes: `256 MiB`, `64 KiB`, `20 GB`, `4096`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || {
            format!(
                "`{text}` is not a size: write a whole number and its unit, such as `64 KiB`, `256 MiB` or `20 GiB`"
            )
        };
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number: u64 = text[..digits].parse().map_err(|_| refuse())?;
        let unit = match text[digits..].trim_start() {
            "" | "B" => 1,
            "kB" | "KB" => 1000,
            "MB" => 1000_u64.pow(2),
            "GB" => 1000_u64.pow(3),
            "TB" => 1000_u64.pow(4),
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            _ => return Err(refuse()),
        };
        number.checked_mul(unit).map(Self).ok_or_else(|| format!("`{text}` is too large"))
    }
}

/// Implements reading a scalar that is a text, or for sizes also a number.
macro_rules! scalar {
    ($name:ident, $what:literal, $pattern:literal, $number:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Scalar;
                impl Visitor<'_> for Scalar {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }

                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$name, E> {
                        let read: fn(u64) -> Result<$name, String> = $number;
                        read(number).map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(Scalar)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": ["string", "integer"], "pattern": $pattern })
            }
        }
    };
}

scalar!(Time, "a time with its unit, such as `30s`", "^[0-9]+ *(ms|s|m|h|d)$", |number| {
    format!("{number}").parse()
});
scalar!(
    Size,
    "a size, such as `64 MiB`",
    "^[0-9]+ *(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?$",
    |number| Ok(Size(number))
);

/// An address to listen on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address(pub SocketAddr);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| {
            format!("`{text}` is not an address and port: write such as `127.0.0.1:8080`")
        })
    }
}

/// An address range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range(pub IpNet);

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range: IpNet = text.parse().map_err(|_| {
            format!(
                "`{text}` is not an address range: write such as `10.1.0.0/16`, or `/32` for one"
            )
        })?;
        // The largest private ranges are 10.0.0.0/8 and fc00::/7; more is everything, by mistake.
        let most = match range {
            IpNet::V4(_) => 8,
            IpNet::V6(_) => 7,
        };
        if range.prefix_len() < most {
            return Err(format!(
                "`{text}` is nearly all there is: name the addresses that are meant"
            ));
        }
        Ok(Self(range))
    }
}

/// A network of clients, or one address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Network(pub IpNet);

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let one = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse().or_else(|_| one()).map(Self).map_err(|_| {
            format!("`{text}` is no network: write such as `10.1.0.0/16`, or one address")
        })
    }
}

/// A web address for people or for links.
#[derive(Debug, Clone)]
pub(super) struct Link(pub Url);

impl FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        };
        Url::parse(text).ok().filter(plain).map(Self).ok_or_else(|| {
            format!(
                "`{text}` is not a web address: write http or https, a host and, if need be, a path"
            )
        })
    }
}

/// Which origins: `"*"`, one rule, or a list of rules.
#[derive(Debug, Clone)]
pub(super) struct OriginRules(pub Origins);

impl<'de> Deserialize<'de> for OriginRules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = OriginRules;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`\"*\"` or a list of origins")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OriginRules, E> {
                if text == "*" {
                    return Ok(OriginRules(Origins::Any));
                }
                let rule = text.parse().map_err(E::custom)?;
                Ok(OriginRules(Origins::Listed(vec![rule])))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OriginRules, A::Error> {
                let mut rules = Vec::new();
                while let Some(Text(rule)) = seq.next_element()? {
                    rules.push(rule);
                }
                Ok(OriginRules(Origins::Listed(rules)))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for OriginRules {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OriginRules".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" } },
        ] })
    }
}

/// A mapping whose order matters.
#[derive(Debug, Clone)]
pub(super) struct Ordered<K, V>(pub Vec<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Ordered<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<K, V>(PhantomData<(K, V)>);
        impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
            type Value = Ordered<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}
