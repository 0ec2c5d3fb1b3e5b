//! Members of registries in a comparison, by name or as tables.

pub use mtl_core::registry::ByKind;

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::parts::architecture::Architecture;

    #[derive(Debug, Deserialize)]
    struct Section {
        sharing: Vec<ByKind<Architecture>>,
    }

    #[test]
    fn names_and_tables() {
        let read = |text: &str| toml::from_str::<Section>(text).map_err(|e| e.message().to_owned());
        let section = read(r#"sharing = ["mmoe", { kind = "mmoe", experts = 3 }, { kind = "mmoe" }]"#).unwrap();
        let [by_name, with_settings, as_table] = &section.sharing[..] else { panic!("three were given") };
        assert_eq!(by_name, as_table);
        assert_ne!(by_name, with_settings);
        assert!(read(r#"sharing = ["mmoee"]"#).unwrap_err().contains("unknown sharing architecture `mmoee`"));
        assert!(read(r"sharing = [{ experts = 3 }]").unwrap_err().contains("kind"));
        assert!(read("sharing = [3]").is_err());
    }
}
