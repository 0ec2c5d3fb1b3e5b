//! The one macro of the workspace: a list of what exists, written once.
//!
//! A line in a [`registry!`](macro@crate::registry) adds a member everywhere: to the serde-tagged enum that config files name
//! (`kind = "upgrad"`), to `ALL` (contract tests, generated tables, `mtl list`), and to `build`. The macro writes no
//! types of its own beyond that enum, so every member stays greppable.

/// Declares an enum of configurations, one variant per member, tagged by its kebab-case name.
///
/// Each line reads `Variant(path::Config) = "name", "one-line description";`.
#[macro_export]
macro_rules! registry {
    (
        $(#[$meta:meta])*
        pub enum $name:ident, what = $what:literal {
            $( $variant:ident($config:ty) = $key:literal, $about:literal; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize, ::schemars::JsonSchema)]
        #[serde(tag = "kind")]
        pub enum $name {
            $( #[doc = $about] #[serde(rename = $key)] $variant($config), )+
        }

        impl $name {
            /// Every member: name and one-line description, in the order of the documentation.
            pub const ALL: &'static [(&'static str, &'static str)] = &[ $( ($key, $about), )+ ];

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
}
