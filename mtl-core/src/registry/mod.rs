//! The one macro of the workspace: a list of what exists, written once.
//!
//! A line in a [`registry!`](macro@crate::registry) adds a member everywhere: to the serde-tagged enum that config files name
//! (`kind = "upgrad"`), to `ALL` (contract tests, generated tables, `mtl list`), and to `build`. The macro writes no
//! types of its own beyond that enum, so every member stays greppable.
//!
//! What a member is asked, its settings' type answers, by the trait that `part = Trait` names: `part()` gives whichever member
//! it is as that trait, so that nobody matches on members, and a new one is its own file and its line.
//!
//! A registry with `outside = Trait` is open beside that: a crate of somebody's own registers a settings type that implements
//! the trait, and from then on its name is read, checked, documented and listed as ours are, and it is asked and built by the
//! same calls ([`Outside`]). What no configuration chooses but files name (kinds of answers, modalities) is in [`Makers`].

mod by_kind;
mod makers;
mod outside;
mod table;

pub use by_kind::{ByKind, by_kind, member};
pub use makers::Makers;
pub use outside::{Catalogue, Outside};
pub use table::{Content, Value, settings, with, without};

/// Declares an enum of configurations, one variant per member, tagged by its kebab-case name.
///
/// Each line reads `Variant(path::Config) = "name", "one-line description";`. With `part = Trait` after `what`, which every
/// settings type then implements, there is `part`; with `outside = Trait` that, one more variant, `Outside`, and `register`.
#[macro_export]
macro_rules! registry {
    (
        $(#[$meta:meta])*
        pub enum $name:ident, what = $what:literal {
            $( $variant:ident($config:ty) = $key:literal, $about:literal; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::schemars::JsonSchema)]
        #[serde(tag = "kind")]
        pub enum $name {
            $( #[doc = $about] #[serde(rename = $key)] $variant($config), )+
        }

        const _: () = {
            #[derive(::serde::Deserialize)]
            #[serde(tag = "kind", expecting = "a table with a `kind`")]
            enum Ours {
                $( #[serde(rename = $key)] $variant($config), )+
            }

            /// Reads a table as a member: compiled here and once, whatever format the table was written in.
            fn of_table(table: $crate::registry::Content) -> std::result::Result<$name, ::serde::de::value::Error> {
                Ok(match $crate::registry::settings::<Ours, ::serde::de::value::Error>(table)? {
                    $( Ours::$variant(config) => $name::$variant(config), )+
                })
            }

            impl<'de> ::serde::Deserialize<'de> for $name {
                fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                    of_table(::serde::Deserialize::deserialize(deserializer)?).map_err(::serde::de::Error::custom)
                }
            }
        };

        impl $name {
            /// Every member: name and one-line description, in the order of the documentation.
            pub const ALL: &'static [(&'static str, &'static str)] = &[ $( ($key, $about), )+ ];

            /// Every member.
            #[must_use]
            pub fn all() -> Vec<(&'static str, &'static str)> {
                Self::ALL.to_vec()
            }

            /// The member's name in config files.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $( Self::$variant(_) => $key, )+ }
            }

            /// The member of that name with its default settings.
            ///
            /// # Errors
            /// [`Error::UnknownName`]($crate::Error::UnknownName), listing the names there are.
            pub fn by_name(name: &str) -> $crate::Result<Self> {
                match name {
                    $( $key => Ok(Self::$variant(<$config>::default())), )+
                    _ => Err($crate::Error::UnknownName {
                        what: $what,
                        name: name.to_owned(),
                        known: Self::ALL.iter().map(|(n, _)| (*n).to_owned()).collect(),
                    }),
                }
            }
        }
    };
    (
        $(#[$meta:meta])*
        pub enum $name:ident, what = $what:literal, part = $part:ident {
            $( $variant:ident($config:ty) = $key:literal, $about:literal; )+
        }
    ) => {
        $crate::registry!(
            $(#[$meta])*
            pub enum $name, what = $what {
                $( $variant($config) = $key, $about; )+
            }
        );

        impl $name {
            /// The member's settings, whichever member it is.
            #[must_use]
            pub fn part(&self) -> &dyn $part {
                match self { $( Self::$variant(config) => config, )+ }
            }
        }
    };
    (
        $(#[$meta:meta])*
        pub enum $name:ident, what = $what:literal, outside = $part:ident {
            $( $variant:ident($config:ty) = $key:literal, $about:literal; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name {
            $( #[doc = $about] $variant($config), )+
            /// A member from outside the workspace, see `register`.
            Outside($crate::registry::Outside<dyn $part>),
        }

        const _: () = {
            static OUTSIDE: $crate::registry::Catalogue<dyn $part> = $crate::registry::Catalogue::new($what);

            $(#[$meta])*
            #[derive(::serde::Deserialize, ::schemars::JsonSchema)]
            #[serde(tag = "kind", expecting = "a table with a `kind`")]
            enum Ours {
                $( #[doc = $about] #[serde(rename = $key)] $variant($config), )+
            }

            #[derive(::serde::Serialize)]
            #[serde(tag = "kind")]
            enum OursRef<'a> {
                $( #[serde(rename = $key)] $variant(&'a $config), )+
            }

            impl $name {
                /// Every member of the workspace: name and one-line description, in the order of the documentation.
                pub const ALL: &'static [(&'static str, &'static str)] = &[ $( ($key, $about), )+ ];

                /// Every member, those from outside last.
                #[must_use]
                pub fn all() -> Vec<(&'static str, &'static str)> {
                    Self::ALL.iter().copied().chain(OUTSIDE.names()).collect()
                }

                /// The member's name in config files.
                #[must_use]
                pub fn name(&self) -> &'static str {
                    match self { $( Self::$variant(_) => $key, )+ Self::Outside(part) => part.name() }
                }

                /// The member's settings, whichever member it is, ours or from outside.
                #[must_use]
                pub fn part(&self) -> &dyn $part {
                    match self { $( Self::$variant(config) => config, )+ Self::Outside(part) => &**part }
                }

                /// Changes the settings.
                ///
                /// # Errors
                /// For a member from outside, what its type says of reading them again, in serde's words.
                pub fn edit(&mut self, mut how: impl FnMut(&mut dyn $part)) -> std::result::Result<(), String> {
                    match self {
                        $( Self::$variant(config) => how(config), )+
                        Self::Outside(part) => part.edit(|part| how(part))?,
                    }
                    Ok(())
                }

                /// The same with another value for one setting.
                ///
                /// # Errors
                /// What the settings' type says of it, in serde's words.
                pub fn with(&self, key: &str, value: $crate::registry::Value) -> std::result::Result<Self, String> {
                    match self {
                        $( Self::$variant(config) => $crate::registry::with(config, key, &value).map(Self::$variant), )+
                        Self::Outside(part) => part.with(key, value).map(Self::Outside),
                    }
                }

                /// The same with the default value for some settings: those that it has.
                ///
                /// # Errors
                /// What the settings' type says of it, in serde's words.
                pub fn without(&self, keys: &[&str]) -> std::result::Result<Self, String> {
                    match self {
                        $( Self::$variant(config) => $crate::registry::without(config, keys).map(Self::$variant), )+
                        Self::Outside(part) => part.without(keys).map(Self::Outside),
                    }
                }

                /// The member of that name with its default settings.
                ///
                /// # Errors
                /// [`Error::UnknownName`]($crate::Error::UnknownName), listing the names there are.
                pub fn by_name(name: &str) -> $crate::Result<Self> {
                    match name {
                        $( $key => Ok(Self::$variant(<$config>::default())), )+
                        _ => OUTSIDE.default_of(name).map(Self::Outside).ok_or_else(|| $crate::Error::UnknownName {
                            what: $what,
                            name: name.to_owned(),
                            known: Self::all().into_iter().map(|(n, _)| n.to_owned()).collect(),
                        }),
                    }
                }

                /// Adds a member from outside, for the whole process: before a configuration is read. Adding the same
                /// type under the same name again changes nothing.
                ///
                /// # Errors
                /// [`Error::Duplicate`]($crate::Error::Duplicate) for a name that is taken.
                pub fn register<C>(name: &'static str, about: &'static str) -> $crate::Result<()>
                where
                    C: $part + Default + ::serde::Serialize + ::serde::de::DeserializeOwned + ::schemars::JsonSchema + 'static,
                {
                    if Self::ALL.iter().any(|(taken, _)| *taken == name) {
                        return Err($crate::Error::Duplicate { what: $what, name: name.to_owned() });
                    }
                    OUTSIDE.add::<C>(name, about, |settings| std::sync::Arc::new(settings), |settings| settings)
                }
            }

            /// Reads a table as a member: compiled here and once, whatever format the table was written in.
            fn of_table(table: $crate::registry::Content) -> std::result::Result<$name, ::serde::de::value::Error> {
                let known = $name::ALL.iter().map(|(name, _)| *name);
                match OUTSIDE.read(table, known) {
                    Ok(part) => Ok($name::Outside(part)),
                    Err(Ok(table)) => Ok(match $crate::registry::settings::<Ours, ::serde::de::value::Error>(table)? {
                        $( Ours::$variant(config) => $name::$variant(config), )+
                    }),
                    Err(Err(message)) => Err(::serde::de::Error::custom(message)),
                }
            }

            impl ::serde::Serialize for $name {
                fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                    match self {
                        $( Self::$variant(config) => ::serde::Serialize::serialize(&OursRef::$variant(config), serializer), )+
                        Self::Outside(part) => ::serde::Serialize::serialize(part, serializer),
                    }
                }
            }

            impl<'de> ::serde::Deserialize<'de> for $name {
                fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                    of_table(::serde::Deserialize::deserialize(deserializer)?).map_err(::serde::de::Error::custom)
                }
            }

            impl ::schemars::JsonSchema for $name {
                fn schema_name() -> std::borrow::Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(generator: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                    let mut schema = <Ours as ::schemars::JsonSchema>::json_schema(generator);
                    OUTSIDE.add_schemas(&mut schema, generator);
                    schema
                }
            }
        };
    };
}
