//! One name space over the registries of several crates.
//!
//! A crate registers what it has with [`mtl_core::registry!`]; a config file does not care which crate that is. A union
//! reads `kind`, finds the registry that knows it and lets that one read the rest, so that a misspelt key is reported by
//! the one who knows the keys.

/// Declares `pub enum Name { Variant(Registry), .. }` with `all`, `name`, `by_name` and serde; with `part = Trait` after `what`,
/// where the members of all registries answer the same, `part` too.
macro_rules! union {
    (
        $(#[$meta:meta])*
        pub enum $name:ident, what = $what:literal, part = $part:ident {
            $( $(#[$about:meta])* $variant:ident($registry:ty), )+
        }
    ) => {
        $crate::parts::union::union! {
            $(#[$meta])*
            pub enum $name, what = $what {
                $( $(#[$about])* $variant($registry), )+
            }
        }

        impl $name {
            /// The member's settings, whichever member of whichever registry it is.
            #[must_use]
            pub fn part(&self) -> &dyn $part {
                match self { $( Self::$variant(config) => config.part(), )+ }
            }
        }
    };
    (
        $(#[$meta:meta])*
        pub enum $name:ident, what = $what:literal {
            $( $(#[$about:meta])* $variant:ident($registry:ty), )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::schemars::JsonSchema)]
        #[serde(untagged)]
        pub enum $name {
            $( $(#[$about])* $variant($registry), )+
        }

        impl $name {
            /// Every member: name and one-line description.
            pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
                [$( <$registry>::all() ),+].into_iter().flatten()
            }

            /// Its name in config files.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $( Self::$variant(config) => config.name(), )+ }
            }

            /// The member of that name with default settings.
            ///
            /// # Errors
            /// [`UnknownName`](mtl_core::Error::UnknownName), listing the names there are.
            pub fn by_name(name: &str) -> mtl_core::Result<Self> {
                $( if let Ok(config) = <$registry>::by_name(name) { return Ok(Self::$variant(config)); } )+
                Err(mtl_core::Error::UnknownName {
                    what: $what,
                    name: name.to_owned(),
                    known: Self::all().map(|(n, _)| n.to_owned()).collect(),
                })
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                use ::serde::de::Error as _;
                let table = toml::Table::deserialize(deserializer)?;
                let kind =
                    table.get("kind").and_then(toml::Value::as_str).ok_or_else(|| D::Error::missing_field("kind"))?;
                // In serde's own words, which the config file's reader searches for the nearest name.
                let unknown = || {
                    let known: Vec<String> = Self::all().map(|(name, _)| format!("`{name}`")).collect();
                    D::Error::custom(format!("unknown {} `{kind}`, expected one of {}", $what, known.join(", ")))
                };
                match Self::by_name(kind).map_err(|_| unknown())? {
                    $( Self::$variant(_) => <$registry>::deserialize(table).map(Self::$variant), )+
                }
                .map_err(|e| D::Error::custom(e.message()))
            }
        }
    };
}

pub(crate) use union;
